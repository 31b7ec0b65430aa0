provider "aws" {
  region = var.region

  default_tags {
    tags = {
      project    = "gpu-transcriber"
      deployment = var.deployment
    }
  }
}
