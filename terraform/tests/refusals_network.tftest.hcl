# What modules/network refuses, at plan.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "transcription"
}

run "network_too_small" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr_block = "10.90.0.0/28"
  }

  expect_failures = [var.cidr_block]
}

run "unknown_zone" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    zones = ["eu-west-1a"]
  }

  expect_failures = [aws_vpc.this[0]]
}

run "vpc_by_name" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    vpc_id     = "main"
    subnet_ids = ["subnet-0123456789abcdef0"]
  }

  expect_failures = [var.vpc_id]
}

run "vpc_without_subnets" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    vpc_id = "vpc-0123456789abcdef0"
  }

  expect_failures = [var.subnet_ids]
}

run "subnets_without_vpc" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }

  expect_failures = [var.subnet_ids]
}

run "subnet_of_another_vpc" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    vpc_id     = "vpc-0aaaaaaaaaaaaaaaa"
    subnet_ids = ["subnet-0123456789abcdef0"]
  }

  expect_failures = [data.aws_subnet.given["subnet-0123456789abcdef0"]]
}

run "two_subnets_in_one_zone" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  }

  expect_failures = [aws_security_group.worker]
}

run "zones_of_an_existing_vpc" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0123456789abcdef0"]
    zones      = ["eu-north-1a"]
  }

  expect_failures = [aws_security_group.worker]
}

run "no_way_to_aws" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    egress_ports = [80]
  }

  expect_failures = [var.egress_ports]
}
