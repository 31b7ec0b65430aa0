variable "name" {
  description = "Prefix of the names of everything in this module; unique in the account, because roles belong to no region."
  type        = string
  nullable    = false
}

variable "deployment" {
  description = "Value of the tag `transcribe-deployment`, by which machines are recognised."
  type        = string
  nullable    = false
}

variable "function_name" {
  description = "The function's name."
  type        = string
  default     = "TranscriptionAPI"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name: 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "zip_path" {
  description = "The function's package on disk, as `./nox -s package` builds it."
  type        = string
  nullable    = false
}

variable "table_name" {
  description = "The jobs table's name."
  type        = string
  nullable    = false
}

variable "table_arn" {
  description = "The jobs table's ARN."
  type        = string
  nullable    = false
}

variable "bucket_name" {
  description = "The bucket's name."
  type        = string
  nullable    = false
}

variable "bucket_arn" {
  description = "The bucket's ARN."
  type        = string
  nullable    = false
}

variable "key_arn" {
  description = "KMS key that webhook secrets are encrypted under."
  type        = string
  nullable    = false
}

variable "models" {
  description = "Models that this deployment holds, the default first."
  type        = list(string)
  nullable    = false
}

variable "unrecorded_models" {
  description = "Those of the models that the lock does not know, so that no machine may fetch them."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "retention_days" {
  description = "Days for which jobs and their objects are kept."
  type        = number
  nullable    = false
}

variable "log_level" {
  description = "DEBUG, INFO, WARNING or ERROR."
  type        = string
  default     = "INFO"
  nullable    = false
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 30
  nullable    = false
}

variable "requests_per_second" {
  description = "Requests a second above which the gateway answers 429."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.requests_per_second >= 1 && var.requests_per_second <= 10000
    error_message = "requests_per_second: 1 to 10000."
  }
}

variable "cors_origins" {
  description = "Web origins whose pages may call the API."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "domain_name" {
  description = "A domain of your own, such as transcribe.example.com; empty takes the address that AWS gives."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.domain_name == "" || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name: a name such as transcribe.example.com, without scheme or path, or empty."
  }
}

variable "certificate_arn" {
  description = "ACM certificate for that domain, in the same region."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = (var.domain_name == "") == (var.certificate_arn == "")
    error_message = "certificate_arn: give the ARN of an ACM certificate together with domain_name, and neither without the other."
  }
}
