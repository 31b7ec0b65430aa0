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
  default     = "TranscriptionProcessUpload"
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

variable "timeout_seconds" {
  description = "Seconds that one call may take. It is a little less than the minute between two sweeps, and the queue's visibility timeout is six times as long."
  type        = number
  default     = 55
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 30 && var.timeout_seconds <= 900
    error_message = "timeout_seconds: 30 (a webhook alone may take 15) to 900."
  }
}

variable "max_concurrency" {
  description = "The most calls that the queue may make at once."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_concurrency >= 2 && var.max_concurrency <= 1000
    error_message = "max_concurrency: 2 to 1000, as SQS mappings take it."
  }
}

variable "public_url" {
  description = "The API's address. Empty if there is no API."
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

variable "retention_days" {
  description = "Days for which jobs and their objects are kept."
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

variable "launch_templates" {
  description = "The machines' launch templates, by market: `spot` and `on-demand`."
  type        = map(object({ id = string, arn = string }))
  nullable    = false
}

variable "worker_role_arn" {
  description = "ARN of the machines' role, which the orchestrator hands to them at launch."
  type        = string
  nullable    = false
}

variable "worker_log_group" {
  description = "Name of the machines' log group. The consoles of machines that went wrong are copied to it."
  type        = string
  nullable    = false
}

variable "security_group_id" {
  description = "Id of the machines' security group."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Ids of the subnets in which machines may start."
  type        = list(string)
  nullable    = false
}

variable "instance_types" {
  description = "Machine types. They have no order: EC2 chooses among them at each launch."
  type        = list(string)
  nullable    = false
}

variable "ebs_key_arn" {
  description = "KMS key of the account's own that encrypts the machines' disks. Empty if the account's default key does."
  type        = string
  default     = ""
  nullable    = false
}

variable "image_parameter" {
  description = "Name of the SSM parameter that holds the id of the machine image. If it holds `none`, the fallback is used."
  type        = string
  nullable    = false
}

variable "fallback_image_parameter" {
  description = "AWS's public SSM parameter for the image from which machines start as long as there is none of your own."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^/aws/service/", var.fallback_image_parameter))
    error_message = "fallback_image_parameter: a public parameter of AWS, below /aws/service/."
  }
}

variable "max_workers" {
  description = "The most machines that run at once, which is the ceiling of the bill."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 100 && floor(var.max_workers) == var.max_workers
    error_message = "max_workers: a whole number from 1 to 100."
  }
}

variable "on_demand_after_minutes" {
  description = "Minutes that a job waits for the spot market, whatever it refuses for, before a machine is started at the on-demand price; 0 means never."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.on_demand_after_minutes >= 0 && floor(var.on_demand_after_minutes) == var.on_demand_after_minutes
    error_message = "on_demand_after_minutes: whole minutes, or 0 for never."
  }
}

variable "launch_at_registration" {
  description = "Whether a machine may start, and wait, for a recording that was registered over the API and is not there yet."
  type        = bool
  default     = false
  nullable    = false
}

variable "max_lifetime_minutes" {
  description = "Minutes after which a machine is ended, whatever it is doing."
  type        = number
  default     = 720
  nullable    = false
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

variable "warm_hours" {
  description = "Hours in which machines are kept running although nobody uploads: weekdays (mon to sun), the first minute and the minute after the last (24:00 ends a day; a window over midnight belongs to the day on which it begins), and how many machines. Where windows overlap, the most machines count."
  type = list(object({
    days     = list(string)
    from     = string
    to       = string
    machines = optional(number, 1)
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for window in var.warm_hours : length(window.days) > 0 && alltrue([for day in window.days : contains(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], day)])])
    error_message = "warm_hours: days holds at least one of mon, tue, wed, thu, fri, sat and sun."
  }

  validation {
    condition     = alltrue([for window in var.warm_hours : can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", window.from)) && can(regex("^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", window.to))])
    error_message = "warm_hours: from and to are times of a day's 24 hours with two digits each, such as 08:00 and 18:00; only to may be 24:00."
  }

  validation {
    condition     = alltrue([for window in var.warm_hours : window.from != window.to])
    error_message = "warm_hours: from and to differ; a whole day is from 00:00 to 24:00."
  }

  validation {
    condition     = alltrue([for window in var.warm_hours : window.machines >= 1 && floor(window.machines) == window.machines])
    error_message = "warm_hours: machines is a whole number from 1; leave a window out if it should keep none."
  }

  validation {
    condition     = alltrue([for window in var.warm_hours : window.machines <= var.max_workers])
    error_message = "warm_hours: machines is at most max_workers, ${var.max_workers}; raise that or keep fewer machines warm."
  }

  validation {
    condition     = length(var.warm_hours) <= 20
    error_message = "warm_hours: at most 20 windows, since a function's environment is small; give windows of the same hours several days."
  }
}

variable "warm_zone" {
  description = "IANA name of the time zone by whose clock warm_hours are read, for example Europe/Stockholm."
  type        = string
  default     = "Europe/Stockholm"
  nullable    = false

  validation {
    condition     = contains(split("\n", trimspace(file("${path.module}/time_zones.txt"))), var.warm_zone)
    error_message = "warm_zone: the IANA name of a time zone, for example Europe/Stockholm; ${path.module}/time_zones.txt has them all."
  }
}
