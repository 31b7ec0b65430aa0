# These six an operator really decides. The rest has defaults that suit most deployments.

variable "region" {
  description = "AWS region in which everything lies."
  type        = string
  default     = "eu-north-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: the code of an AWS region, for example eu-north-1; zones such as eu-north-1a go into zones."
  }
}

variable "max_workers" {
  description = "The most machines that run at once. Together with the dearest of instance_types it is the ceiling of the bill (output daily_ceiling_usd)."
  type        = number
  default     = 2
  nullable    = false
}

variable "image_parameter" {
  description = "Name of an SSM parameter that holds the id of the machine image. Empty makes one, which holds `none` until an image is built."
  type        = string
  default     = ""
  nullable    = false
}

variable "stalled_minutes" {
  description = "Minutes that a recording may wait, whatever for, until an alarm rings. A machine may have to start, so 10 are the least."
  type        = number
  default     = 60
  nullable    = false
}

variable "failed_jobs_an_hour" {
  description = "So many failed jobs within an hour ring an alarm."
  type        = number
  default     = 10
  nullable    = false
}

variable "alarm_email" {
  description = "E-mail address that gets the alarms. Empty makes the topic without a subscriber."
  type        = string
  default     = ""
  nullable    = false
}

variable "on_demand_after_minutes" {
  description = "Minutes that a job waits for the spot market, whatever it refuses for, before a machine is started at the on-demand price; 0 means never."
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

variable "longest_retention_days" {
  description = "Days for which they are kept at most when people correct the text, which keeps job, recording and transcripts for another retention_days. It counts for nothing where retention_days is more."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.longest_retention_days >= 0 && var.longest_retention_days <= 3650 && floor(var.longest_retention_days) == var.longest_retention_days
    error_message = "longest_retention_days: whole days up to 3650. With retention_days or less, correcting a text keeps nothing for longer."
  }
}

# Names and places.

variable "deployment" {
  description = "Name of this deployment. The names of its resources are made from it, and its machines are recognised by it."
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
  description = "The bucket's name. Empty makes one from deployment, account and region."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.bucket_name == "" || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit, or empty. Dots are refused: with one in the name, TLS to the bucket fails."
  }
}

variable "table_name" {
  description = "The jobs table's name. Empty makes one from deployment."
  type        = string
  default     = ""
  nullable    = false
}

variable "zones" {
  description = "Availability zones in which machines may start. Empty means all zones of the region."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "cidr_block" {
  description = "IPv4 network of the VPC that is made."
  type        = string
  default     = "10.90.0.0/16"
  nullable    = false
}

variable "vpc_id" {
  description = "Id of an existing VPC to use. Empty makes a VPC."
  type        = string
  default     = ""
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets of the existing VPC in which machines start, one for each zone. They need a way out to the internet."
  type        = list(string)
  default     = []
  nullable    = false
}

# What an account may demand of whatever is made in it.

variable "tags" {
  description = "Tags of your own for all that is made here, and for what is launched later: machines, their volumes and their spot requests. `project` and `deployment` are set already."
  type        = map(string)
  default     = {}
  nullable    = false

  # A machine's tags can be read in its metadata, so EC2 refuses to launch it with other keys than these ("View tags for
  # your EC2 instances using instance metadata" in the EC2 User Guide). IAM takes no comma.
  validation {
    condition     = alltrue([for key in keys(var.tags) : can(regex("^[A-Za-z0-9+=._:@-]{1,128}$", key)) && !contains([".", "..", "_index"], key)])
    error_message = "tags: a key is 1 to 128 of the letters a to z, digits and + - = . _ : @, and not just ., .. or _index, because machines read their tags from the instance metadata. Write cost-center or cost:center for a key with a space or a slash."
  }

  validation {
    condition     = alltrue([for value in values(var.tags) : can(regex("^[\\p{L}\\p{N} +=._:/@-]{0,256}$", value))])
    error_message = "tags: a value is at most 256 letters, digits, spaces and + - = . _ : / @, as all services of AWS take it."
  }

  validation {
    condition     = !anytrue([for key in keys(var.tags) : can(regex("^(aws:|transcribe-|(name|project|deployment)$)", lower(key)))])
    error_message = "tags: choose other keys than Name, project, deployment and those that begin with transcribe-, by which machines are recognised, or with aws:, which belongs to AWS."
  }

  # A role takes no two keys that differ in case only. A resource takes 50 tags, and up to eight are set here.
  validation {
    condition     = length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags) && length(var.tags) <= 40
    error_message = "tags: at most 40, and no two keys that differ in upper and lower case only, since IAM takes them for one."
  }
}

variable "role_path" {
  description = "IAM path of the roles and of the machines' instance profile, such as /applications/. Changing it later replaces them."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([A-Za-z0-9+=,.@_-]{1,64}/){0,7}$", var.role_path))
    error_message = "role_path: begins and ends with a slash, with letters, digits and + = , . @ _ - between slashes, for example /applications/transcription/."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the IAM policy that limits every role which is made here. Empty sets no boundary."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.permissions_boundary_arn == "" || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: the ARN of an IAM policy, for example arn:aws:iam::123456789012:policy/boundary."
  }
}

# Machines and models.

variable "instance_types" {
  description = "NVIDIA machine types. They have no order: at each launch EC2 chooses the type and zone with the most spare capacity among the cheap ones, or the cheapest on demand. So the dearest one decides the ceiling of the bill, and the largest one the quota."
  type        = list(string)
  default     = ["g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge"]
  nullable    = false
}

variable "models" {
  description = "Models that jobs may ask for, the default first. Another style than the standard one is written after an @."
  type        = list(string)
  default     = ["KBLab/kb-whisper-small"]
  nullable    = false

  validation {
    condition     = length(var.models) > 0 && alltrue([for model in var.models : can(regex("^[A-Za-z0-9_./-]+(@(subtitle|strict))?$", model))])
    error_message = "models: at least one name such as KBLab/kb-whisper-small, or KBLab/kb-whisper-small@subtitle for another style."
  }
}

variable "speaker_labels" {
  description = "Whether jobs may have their speakers told apart (option speakers). The machines' processors do that beside the GPU's work."
  type        = bool
  default     = true
  nullable    = false
}

variable "max_audio_hours" {
  description = "Longest recording, in hours, that is transcribed. A longer one fails with AUDIO_TOO_LONG."
  type        = number
  default     = 24
  nullable    = false
}

variable "compute_type" {
  description = "Number format in which the model computes on the GPU: auto (which is int8_float16), int8_float16, float16, int8 or float32."
  type        = string
  default     = "auto"
  nullable    = false
}

variable "launch_at_registration" {
  description = "Whether a machine may start as soon as a job is registered over the API, while its recording is on its way. It saves the wait for a machine, and costs up to ten minutes of one for a recording that does not come (docs/deploy.md)."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.launch_at_registration || var.api_enabled
    error_message = "launch_at_registration: only the API registers jobs, so set api_enabled = true as well, or leave this one out."
  }
}

variable "max_lifetime_minutes" {
  description = "Minutes after which a machine is ended, whatever it is doing."
  type        = number
  default     = 720
  nullable    = false
}

variable "idle_seconds" {
  description = "Seconds that a machine waits for more work before it removes itself. A machine that waits costs as much as one that works."
  type        = number
  default     = 45
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
}

variable "warm_zone" {
  description = "IANA name of the time zone by whose clock warm_hours are read, for example Europe/Stockholm."
  type        = string
  default     = "Europe/Stockholm"
  nullable    = false
}

variable "root_volume_gib" {
  description = "Size of a machine's root volume in GiB; 0 takes the size that the image has."
  type        = number
  default     = 0
  nullable    = false
}

variable "volume_initialization_mibps" {
  description = "MiB a second at which EBS loads the image's blocks before they are first read; 0 switches it off. AWS bills it for each launch."
  type        = number
  default     = 0
  nullable    = false
}

variable "ebs_key_arn" {
  description = "KMS key of your own that encrypts the machines' disks. Empty takes the account's default key. Needed if that default is itself a key of your own."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.ebs_key_arn == "" || strcontains(var.ebs_key_arn, ":kms:${var.region}:")
    error_message = "ebs_key_arn: a key of ${var.region}, since a disk can only be under a key of its own region."
  }
}

variable "session_manager" {
  description = "Whether an operator may open a shell on a machine through Session Manager. There is no other way in."
  type        = bool
  default     = false
  nullable    = false
}

variable "user_data" {
  description = "Script that runs when a machine boots, instead of the one that sets up AWS's public image. An image of your own runs it only if it was built with cloud_init=yes. Put no secrets into it."
  type        = string
  default     = ""
  nullable    = false
}

variable "fallback_image_parameter" {
  description = "AWS's public SSM parameter for the image from which machines start as long as there is none of your own."
  type        = string
  default     = "/aws/service/deeplearning/ami/x86_64/base-with-single-cuda-ubuntu-22.04/latest/ami-id"
  nullable    = false
}

# The API.

variable "api_enabled" {
  description = "Whether there is an HTTP API. Without it, recordings are put into S3 directly, and callbacks are registered on the command line."
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

variable "max_upload_gb" {
  description = "Largest recording that the API takes in parts, in GB (10^9 bytes), from 5 to 5000. A form takes up to 5. A machine must have room for it on its disk."
  type        = number
  default     = 50
  nullable    = false
}

variable "cors_origins" {
  description = "Web origins, such as https://app.example.com, whose pages may call the API and use its links and forms in S3; no others may."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "page_enabled" {
  description = "Whether the API serves a page at its own address, on which people upload recordings, watch them and read their texts. The bucket then lets in that page too."
  type        = bool
  default     = true
  nullable    = false
}

variable "domain_name" {
  description = "A domain of your own for the API. Empty takes the address that AWS gives."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.domain_name == "" || var.api_enabled
    error_message = "domain_name: there is no API to give it to; set api_enabled = true or leave domain_name empty."
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

# Keeping and watching.

variable "deletion_protection" {
  description = "Whether a destroy is refused, so that nobody loses jobs, recordings and transcripts by mistake."
  type        = bool
  default     = true
  nullable    = false
}

variable "daily_budget_usd" {
  description = "US dollars a day above which AWS writes to alarm_email, whatever the account has spent them on, and an alarm rings if the machines have cost so much; 0 makes neither."
  type        = number
  default     = 0
  nullable    = false
}

variable "check_quotas" {
  description = "Whether a plan reads the account's quotas, its default key for disks and the size of the types, and warns of what will not work. Set it to false if whoever applies may not read them."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_level" {
  description = "The least severe level that is logged: DEBUG, INFO, WARNING or ERROR."
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

# Packages, if they are not those that `./nox -s package` leaves in dist/.

variable "api_zip" {
  description = "Path of the API's package. Empty takes dist/api.zip."
  type        = string
  default     = ""
  nullable    = false
}

variable "orchestrator_zip" {
  description = "Path of the orchestrator's package. Empty takes dist/orchestrator.zip."
  type        = string
  default     = ""
  nullable    = false
}

variable "worker_artifact" {
  description = "Path of the worker's artifact. Empty takes dist/worker.tar.gz."
  type        = string
  default     = ""
  nullable    = false
}

variable "models_lock" {
  description = "Path of the lock of models, which says by revision and digest what each model is. Empty takes packer/models.lock.json."
  type        = string
  default     = ""
  nullable    = false
}
