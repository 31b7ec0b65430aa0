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

variable "instance_types" {
  description = "NVIDIA machine types. They have no order: EC2 chooses among them at each launch."
  type        = list(string)
  default     = ["g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge"]
  nullable    = false

  validation {
    condition     = length(var.instance_types) > 0 && alltrue([for type in var.instance_types : can(regex("^(g4dn|g5|g6|g6e|gr6|p4d|p5)\\.[0-9]*(xlarge|metal)$", type))])
    error_message = "instance_types: at least one x86-64 type with an NVIDIA GPU that NVIDIA's open driver knows (g4dn, g5, g6, g6e, gr6, p4d, p5), for example g4dn.xlarge. It does not know the V100 of p3."
  }

  validation {
    condition     = length(distinct(var.instance_types)) == length(var.instance_types)
    error_message = "instance_types: each type once; they have no order, so naming one twice gives it no more weight."
  }
}

variable "zones" {
  description = "Availability zones in which machines may start. Machine types that none of them offers are refused."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Id of the machines' security group."
  type        = string
  nullable    = false
}

variable "user_data" {
  description = "Script that runs when a machine boots, instead of the one that sets up AWS's public image. An image of your own runs it only if it was built with cloud_init=yes. Put no secrets into it."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.user_data) <= 12000
    error_message = "user_data: at most 12000 characters, since EC2 takes 16 KiB after encoding."
  }
}

variable "root_device_name" {
  description = "Name of the image's root device. It is /dev/sda1 on Ubuntu, which both our image and AWS's deep-learning image are."
  type        = string
  default     = "/dev/sda1"
  nullable    = false
}

variable "root_volume_gib" {
  description = "Size of a machine's root volume in GiB; 0 takes the size that the image has."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.root_volume_gib == 0 || (var.root_volume_gib >= 20 && var.root_volume_gib <= 16384)
    error_message = "root_volume_gib: 0 for the image's own size, else 20 to 16384, and not less than the image."
  }
}

variable "volume_initialization_mibps" {
  description = "MiB a second at which EBS loads the image's blocks before they are first read; 0 switches it off. AWS bills it for each launch."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.volume_initialization_mibps == 0 || (var.volume_initialization_mibps >= 100 && var.volume_initialization_mibps <= 300)
    error_message = "volume_initialization_mibps: 0 (off) or 100 to 300."
  }
}

variable "ebs_key_arn" {
  description = "KMS key of your own that encrypts the machines' disks. Empty takes the account's default key. Needed if that default is itself a key of your own."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.ebs_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.ebs_key_arn))
    error_message = "ebs_key_arn: the ARN of a KMS key, not of an alias, for example arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555, or empty."
  }
}

variable "session_manager" {
  description = "Whether an operator may open a shell on a machine through Session Manager. There is no other way in."
  type        = bool
  default     = false
  nullable    = false
}

variable "image_parameter" {
  description = "Name of an SSM parameter that holds the id of the machine image. Empty makes one, which holds `none` until an image is built."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.image_parameter == "" || can(regex("^/[A-Za-z0-9_./-]+$", var.image_parameter))
    error_message = "image_parameter: the full name of an SSM parameter, beginning with a slash, for example /transcription/image."
  }

  validation {
    condition     = !can(regex("^/+(aws|ssm)", lower(var.image_parameter)))
    error_message = "image_parameter: names that begin with /aws or /ssm are AWS's own, so no id can be written there; name one of yours, for example /transcription/image. A public parameter of AWS goes into fallback_image_parameter."
  }
}

variable "artifact_path" {
  description = "Path of the worker's artifact, as `./nox -s package` builds it."
  type        = string
  nullable    = false
}

variable "artifact_key" {
  description = "Key of the artifact in the bucket."
  type        = string
  default     = "artifacts/worker.tar.gz"
  nullable    = false

  validation {
    condition     = startswith(var.artifact_key, "artifacts/")
    error_message = "artifact_key: a key below artifacts/, the only prefix that machines may fetch it from."
  }
}

variable "models_lock_path" {
  description = "Path of the lock of models, which says by revision and digest what each model is."
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

variable "public_url" {
  description = "The API's address. Empty if there is no API."
  type        = string
  nullable    = false
}

variable "models" {
  description = "Models that jobs may ask for, the default first."
  type        = list(string)
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

variable "max_audio_hours" {
  description = "Longest recording, in hours, that is transcribed."
  type        = number
  default     = 24
  nullable    = false

  validation {
    condition     = var.max_audio_hours > 0 && var.max_audio_hours <= 48
    error_message = "max_audio_hours: more than 0, up to 48."
  }
}

variable "compute_type" {
  description = "Number format in which the model computes on the GPU."
  type        = string
  default     = "auto"
  nullable    = false

  validation {
    condition     = contains(["auto", "int8_float16", "float16", "int8", "float32"], var.compute_type)
    error_message = "compute_type: auto, int8_float16, float16, int8 or float32; a T4 knows no bfloat16."
  }
}

variable "max_lifetime_minutes" {
  description = "Minutes after which a machine powers itself off, whatever it is doing."
  type        = number
  default     = 720
  nullable    = false

  validation {
    condition     = var.max_lifetime_minutes >= 30 && var.max_lifetime_minutes <= 10080 && floor(var.max_lifetime_minutes) == var.max_lifetime_minutes
    error_message = "max_lifetime_minutes: whole minutes from 30 to 10080 (a week); a machine that lives shorter finishes no long recording."
  }
}

variable "tags" {
  description = "Tags of machines, volumes and spot requests, besides those by which machines are recognised."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "role_path" {
  description = "IAM path of the machines' role and of their instance profile."
  type        = string
  default     = "/"
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "ARN of the IAM policy that limits the machines' role. Empty sets no boundary."
  type        = string
  default     = ""
  nullable    = false
}

variable "idle_seconds" {
  description = "Seconds that a machine waits for more work before it removes itself. A machine that waits costs as much as one that works."
  type        = number
  default     = 45
  nullable    = false

  validation {
    condition     = var.idle_seconds >= 10 && var.idle_seconds <= 3600 && floor(var.idle_seconds) == var.idle_seconds
    error_message = "idle_seconds: whole seconds from 10 to 3600; warm_hours keeps machines for longer."
  }
}

