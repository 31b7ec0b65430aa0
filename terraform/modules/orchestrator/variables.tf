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
  default     = "TranscriptionProcessUpload"
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

variable "timeout_seconds" {
  description = "Seconds that one call may take, a little under the schedule's minute; the queue's visibility timeout is six times as long."
  type        = number
  default     = 55
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 30 && var.timeout_seconds <= 900
    error_message = "timeout_seconds: 30 (a webhook alone may take 15) to 900."
  }
}

variable "max_concurrency" {
  description = "Most calls at once that the queue may make."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_concurrency >= 2 && var.max_concurrency <= 1000
    error_message = "max_concurrency: 2 to 1000, as SQS mappings take it."
  }
}

variable "public_url" {
  description = "The API's address, empty where there is none."
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

variable "launch_template_id" {
  description = "The machines' launch template."
  type        = string
  nullable    = false
}

variable "launch_template_arn" {
  description = "The ARN of the launch template."
  type        = string
  nullable    = false
}

variable "worker_role_arn" {
  description = "The machines' role, which is handed to them at launch."
  type        = string
  nullable    = false
}

variable "worker_log_group" {
  description = "The machines' log group, to which consoles of machines that went wrong are copied."
  type        = string
  nullable    = false
}

variable "security_group_id" {
  description = "The machines' security group."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets in which machines may start."
  type        = list(string)
  nullable    = false
}

variable "instance_types" {
  description = "Machine types in order of preference."
  type        = list(string)
  nullable    = false
}

variable "ebs_key_arn" {
  description = "KMS key of the account's own that machines' disks are under; empty where they are under its default."
  type        = string
  default     = ""
  nullable    = false
}

variable "image_parameter" {
  description = "SSM parameter that names the image; none means the fallback."
  type        = string
  nullable    = false
}

variable "fallback_image_parameter" {
  description = "AWS's public parameter for the image that is provisioned at boot."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^/aws/service/", var.fallback_image_parameter))
    error_message = "fallback_image_parameter: a public parameter of AWS, below /aws/service/."
  }
}

variable "max_workers" {
  description = "Most machines at once: the ceiling of the bill."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 100 && floor(var.max_workers) == var.max_workers
    error_message = "max_workers: a whole number from 1 to 100."
  }
}

variable "on_demand_after_minutes" {
  description = "Minutes to wait for spot capacity before paying the on-demand price; 0 never does."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.on_demand_after_minutes >= 0 && floor(var.on_demand_after_minutes) == var.on_demand_after_minutes
    error_message = "on_demand_after_minutes: whole minutes, or 0 for never."
  }
}

variable "max_lifetime_minutes" {
  description = "Minutes after which a machine is ended whatever it does."
  type        = number
  default     = 720
  nullable    = false
}
