# What an operator really decides; the rest has defaults that suit most.

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "eu-north-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: the code of an AWS region, for example eu-north-1; zones such as eu-north-1a go into zones."
  }
}

variable "max_workers" {
  description = "Most machines at once: the ceiling of the bill."
  type        = number
  default     = 2
  nullable    = false
}

variable "image_parameter" {
  description = "An existing SSM parameter that names the machine image; empty makes one, which says none until an image was built."
  type        = string
  default     = ""
  nullable    = false
}

variable "alarm_email" {
  description = "Who hears alarms; empty makes the topic without a subscriber."
  type        = string
  default     = ""
  nullable    = false
}

variable "on_demand_after_minutes" {
  description = "Minutes to wait for spot capacity before paying the on-demand price; 0 never does."
  type        = number
  default     = 0
  nullable    = false
}

variable "retention_days" {
  description = "Days for which jobs, recordings and transcripts are kept."
  type        = number
  default     = 30
  nullable    = false
}

# Names and places.

variable "deployment" {
  description = "Name of this deployment; names of resources are made from it, and machines are recognised by it."
  type        = string
  default     = "transcription"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.deployment))
    error_message = "deployment: 3 to 20 lower-case letters, digits and hyphens, beginning with a letter, for example transcription."
  }

  validation {
    condition     = !can(regex("^(aws|ssm|sg-)", var.deployment))
    error_message = "deployment: AWS takes no parameter whose name begins with /aws or /ssm, and no security group whose name begins with sg-; begin with another word, for example newsroom-aws."
  }
}

variable "bucket_name" {
  description = "The bucket's name; empty makes one from deployment, account and region."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.bucket_name == "" || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit, or empty. Dots are refused: with one in the name, TLS to the bucket fails."
  }
}

variable "table_name" {
  description = "The jobs table's name; empty makes one from deployment."
  type        = string
  default     = ""
  nullable    = false
}

variable "zones" {
  description = "Availability zones in which machines may start; empty means all of the region."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "cidr_block" {
  description = "Addresses of the VPC that is made."
  type        = string
  default     = "10.90.0.0/16"
  nullable    = false
}

variable "vpc_id" {
  description = "An existing VPC to use instead of making one; empty makes one."
  type        = string
  default     = ""
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets of the existing VPC, with a way out to the internet."
  type        = list(string)
  default     = []
  nullable    = false
}

# Machines and models.

variable "instance_types" {
  description = "NVIDIA machine types in order of preference."
  type        = list(string)
  default     = ["g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge"]
  nullable    = false
}

variable "models" {
  description = "Models that this deployment holds, the default first; a style other than the standard one is written after an @."
  type        = list(string)
  default     = ["KBLab/kb-whisper-small"]
  nullable    = false

  validation {
    condition     = length(var.models) > 0 && alltrue([for model in var.models : can(regex("^[A-Za-z0-9_./-]+(@(subtitle|strict))?$", model))])
    error_message = "models: at least one name such as KBLab/kb-whisper-small, or KBLab/kb-whisper-small@subtitle for another style."
  }
}

variable "max_audio_hours" {
  description = "Longest recording that is transcribed; a longer one ends with AUDIO_TOO_LONG."
  type        = number
  default     = 24
  nullable    = false
}

variable "compute_type" {
  description = "Numbers that the model computes with on the GPU: auto (int8_float16), int8_float16, float16, int8 or float32."
  type        = string
  default     = "auto"
  nullable    = false
}

variable "max_lifetime_minutes" {
  description = "Minutes after which a machine is ended whatever it does."
  type        = number
  default     = 720
  nullable    = false
}

variable "root_volume_gib" {
  description = "Size of a machine's root volume in GiB; 0 takes the image's own."
  type        = number
  default     = 0
  nullable    = false
}

variable "volume_initialization_mibps" {
  description = "MiB a second at which the image's blocks are brought in ahead of their first use; 0 turns it off. Billed per launch."
  type        = number
  default     = 0
  nullable    = false
}

variable "ebs_key_arn" {
  description = "KMS key of your own for the machines' disks; empty takes the account's default. Needed where that default is a key of your own."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.ebs_key_arn == "" || strcontains(var.ebs_key_arn, ":kms:${var.region}:")
    error_message = "ebs_key_arn: a key of ${var.region}, since a disk can only be under a key of its own region."
  }
}

variable "session_manager" {
  description = "Whether an operator may open a shell on a machine through Session Manager; no other way in exists."
  type        = bool
  default     = false
  nullable    = false
}

variable "user_data" {
  description = "Script that runs at boot, in place of the one that provisions AWS's public image; an own image runs it if it was built with cloud_init=yes. No secrets belong in it."
  type        = string
  default     = ""
  nullable    = false
}

variable "fallback_image_parameter" {
  description = "AWS's public parameter for the image that is used until one of your own was built."
  type        = string
  default     = "/aws/service/deeplearning/ami/x86_64/base-with-single-cuda-ubuntu-22.04/latest/ami-id"
  nullable    = false
}

# The API.

variable "api_enabled" {
  description = "Whether there is an HTTP API; without it, uploads go to S3 directly and callbacks are registered on the command line."
  type        = bool
  default     = true
  nullable    = false
}

variable "requests_per_second" {
  description = "Requests a second above which the gateway answers 429."
  type        = number
  default     = 50
  nullable    = false
}

variable "cors_origins" {
  description = "Web origins, such as https://app.example.com, whose pages may call the API and use presigned links."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "domain_name" {
  description = "A domain of your own for the API; empty takes the address that AWS gives."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.domain_name == "" || var.api_enabled
    error_message = "domain_name: there is no API to give it to; set api_enabled = true or leave domain_name empty."
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

# Keeping and watching.

variable "deletion_protection" {
  description = "Whether destroying is refused while there is anything to lose."
  type        = bool
  default     = true
  nullable    = false
}

variable "daily_budget_usd" {
  description = "US dollars a day, over the whole account, above which AWS writes to alarm_email; 0 makes no budget."
  type        = number
  default     = 0
  nullable    = false
}

variable "check_quotas" {
  description = "Whether planning reads the account's quotas and its default key for disks, and warns of what will not work; false where whoever applies may not read them."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_level" {
  description = "How much is logged."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level: DEBUG, INFO, WARNING or ERROR."
  }
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: one of the spans that CloudWatch offers, such as 7, 14, 30, 90 or 365."
  }
}

# Packages, where they are not those that `./nox -s package` leaves in dist/.

variable "api_zip" {
  description = "The API's package; empty takes dist/api.zip."
  type        = string
  default     = ""
  nullable    = false
}

variable "orchestrator_zip" {
  description = "The orchestrator's package; empty takes dist/orchestrator.zip."
  type        = string
  default     = ""
  nullable    = false
}

variable "worker_artifact" {
  description = "The worker's artifact; empty takes dist/worker.tar.gz."
  type        = string
  default     = ""
  nullable    = false
}

variable "models_lock" {
  description = "The lock of models, which says what each one is; empty takes packer/models.lock.json."
  type        = string
  default     = ""
  nullable    = false
}
