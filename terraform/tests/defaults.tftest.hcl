# An operator who sets nothing gets the names and limits that the documentation promises.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  # Any file will do where nothing is uploaded.
  api_zip          = "./main.tf"
  orchestrator_zip = "./main.tf"
  worker_artifact  = "./main.tf"
  alarm_email      = "operations@example.com"
  models           = ["whisper-base"]

  deletion_protection = false
}

run "names_are_made_from_deployment_account_and_region" {
  command = apply

  assert {
    condition     = output.table_name == "transcription-jobs"
    error_message = "The table is ${output.table_name}."
  }

  assert {
    condition     = join(",", output.function_names) == "TranscriptionProcessUpload,TranscriptionAPI"
    error_message = "The functions are ${join(",", output.function_names)}."
  }

  assert {
    condition     = local.bucket_name == "transcription-123456789012-eu-north-1"
    error_message = "The bucket is ${local.bucket_name}."
  }

  assert {
    condition     = output.image_parameter == "/transcription/image" && output.config_parameter == "/transcription/worker"
    error_message = "The parameters are ${output.image_parameter} and ${output.config_parameter}."
  }

  assert {
    condition     = output.api_url == "https://a1b2c3d4e5.execute-api.eu-north-1.amazonaws.com"
    error_message = "The API's address is ${output.api_url}."
  }
}

run "another_deployment_shares_no_name" {
  command = apply

  variables {
    deployment = "news-desk"
  }

  assert {
    condition     = output.table_name == "news-desk-jobs" && local.bucket_name == "news-desk-123456789012-eu-north-1"
    error_message = "Table and bucket are ${output.table_name} and ${local.bucket_name}."
  }

  assert {
    condition     = join(",", output.function_names) == "News-DeskProcessUpload,News-DeskAPI"
    error_message = "The functions are ${join(",", output.function_names)}."
  }
}
