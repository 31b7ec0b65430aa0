variable "name" {
  description = "Prefix of the names of everything in this module. It must be unique in the account, because roles belong to no region."
  type        = string
  nullable    = false
}

variable "deployment" {
  description = "The deployment's name, which is the value of its machines' tag `transcribe-deployment`."
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
  description = "Path of the function's package, as `./nox -s package` builds it."
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
  description = "ARN of the KMS key that encrypts webhook secrets."
  type        = string
  nullable    = false
}

variable "launch_at_registration" {
  description = "Whether the orchestrator is told of every registered job, so that a machine may start before the recording is there."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.launch_at_registration || (var.queue_url != "" && var.queue_arn != "")
    error_message = "launch_at_registration: name the orchestrator's queue in queue_url and queue_arn, since it is told there."
  }
}

variable "queue_url" {
  description = "URL of the orchestrator's queue. Only needed for launch_at_registration."
  type        = string
  default     = ""
  nullable    = false
}

variable "queue_arn" {
  description = "ARN of the orchestrator's queue. Only needed for launch_at_registration."
  type        = string
  default     = ""
  nullable    = false
}

variable "models" {
  description = "Models that jobs may ask for, the default first."
  type        = list(string)
  nullable    = false
}

variable "unrecorded_models" {
  description = "Those of `models` that the lock of models does not know. No machine may fetch them, so jobs for them cannot run. Also `speakers`, if no speakers are told apart."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "max_upload_gb" {
  description = "Largest recording that is uploaded in parts, in GB (10^9 bytes). A form takes up to 5."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.max_upload_gb >= 5 && var.max_upload_gb <= 5000 && floor(var.max_upload_gb) == var.max_upload_gb
    error_message = "max_upload_gb: whole GB from 5, which a form takes anyway, to 5000, the largest object that S3 takes in all regions. A machine must have room for it on its disk (docs/deploy.md)."
  }
}

variable "retention_days" {
  description = "Days for which jobs and their objects are kept."
  type        = number
  nullable    = false
}

variable "longest_retention_days" {
  description = "Days for which they are kept at most if people correct the text."
  type        = number
  nullable    = false
}

variable "log_level" {
  description = "The least severe level that is logged: DEBUG, INFO, WARNING or ERROR."
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

variable "page_enabled" {
  description = "Whether the API serves a page at `/`, on which people work with their recordings. The bucket must then let in the API's own origin."
  type        = bool
  default     = true
  nullable    = false
}

variable "domain_name" {
  description = "A domain of your own, such as transcribe.example.com. Empty takes the address that AWS gives."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.domain_name == "" || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name: a name such as transcribe.example.com, without scheme or path, or empty."
  }
}

variable "certificate_arn" {
  description = "ARN of the ACM certificate for domain_name. It must lie in the deployment's region."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = (var.domain_name == "") == (var.certificate_arn == "")
    error_message = "certificate_arn: give the ARN of an ACM certificate together with domain_name, and neither without the other."
  }
}

variable "role_path" {
  description = "IAM path of the function's role."
  type        = string
  default     = "/"
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "ARN of the IAM policy that limits the function's role. Empty sets no boundary."
  type        = string
  default     = ""
  nullable    = false
}
