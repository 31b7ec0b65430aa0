variable "region" {
  description = "Where the image is made and used."
  type        = string
  default     = "eu-north-1"
}

variable "deployment" {
  description = "Whose image it is, by the name that Terraform knows the deployment under: the tag by which old ones are found."
  type        = string
  default     = "transcription"
}

variable "tags" {
  description = "Tags of the account's own, as in the deployment's setting, for the image, its snapshot, and the machine, volume and spot request of the build."
  type        = map(string)
  default     = {}
}

variable "build_types" {
  description = "Machine types to build on, each with an NVIDIA GPU, on which the self-test is run; the cheapest spot offer wins."
  type        = list(string)
  default     = ["g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge"]
}

variable "on_demand_type" {
  description = "Machine type to build on at the on-demand price, for an account that may run no spot machine; empty builds on the spot market."
  type        = string
  default     = ""
}

variable "subnet_id" {
  description = "Subnet to build in, with a way out to the network; empty takes the default VPC's."
  type        = string
  default     = ""
}

variable "volume_gib" {
  description = "Size of the image's root volume. Recordings lie on the instance's own disk."
  type        = number
  default     = 16
}

variable "kms_key_id" {
  description = "ARN of a KMS key of your own for the image's disk, as in the deployment's ebs_key_arn; empty takes the account's default."
  type        = string
  default     = ""
}

variable "models" {
  description = "Models to put into the image, the default first, separated by commas, as in the deployment's setting."
  type        = string
  default     = "KBLab/kb-whisper-small"
}

variable "lifetime_minutes" {
  description = "Minutes after which a machine powers itself off, whatever it does; 15 more than the deployment's max_lifetime_minutes."
  type        = number
  default     = 735
}

variable "python_source" {
  description = "Where the interpreter comes from: managed (fetched by uv, by digest) or a path on the base image."
  type        = string
  default     = "managed"
}

variable "session_manager" {
  description = "yes keeps the agent of Session Manager, through which the operator may open a shell."
  type        = string
  default     = "no"
}

variable "compute_type" {
  description = "Numbers that the deployment's machines compute with; with others the model that a boot begins to load is loaded again."
  type        = string
  default     = "auto"
}

variable "cloud_init" {
  description = "yes lets cloud-init run on machines of this image, for user data of your own; it costs each of them seconds."
  type        = string
  default     = "no"
}

variable "artifact" {
  description = "The worker's artifact, as `./nox -s package` leaves it."
  type        = string
  default     = "dist/worker.tar.gz"
}

variable "artifact_sha256" {
  description = "The artifact's digest, for the image's tags."
  type        = string
  default     = "unknown"
}

variable "commit" {
  description = "The commit that the artifact was built from, for the image's tags."
  type        = string
  default     = "unknown"
}
