variable "name" {
  description = "The bucket's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "bucket_name: 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit. Dots are refused: with one in the name, TLS to the bucket fails."
  }

  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|--x-s3|--table-s3|-an)$", var.name))
    error_message = "bucket_name: S3 keeps names for itself that begin with xn--, sthree- or amzn-s3-demo-, or end with -s3alias, --ol-s3, --x-s3, --table-s3 or -an. Without bucket_name the name begins with deployment: choose another of the two, for example newsroom-recordings."
  }
}

variable "retention_days" {
  description = "Days after which work files expire. The orchestrator deletes uploads and results whose job is gone by then."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.retention_days >= 7 && var.retention_days <= 3650 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days: whole days from 7 (webhooks are tried for three days, and a job may wait for a machine) to 3650."
  }
}

variable "longest_retention_days" {
  description = "Days after which uploads and results expire, whatever is done with their job."
  type        = number
  nullable    = false
}

variable "cors_origins" {
  description = "Web origins, such as https://app.example.com, whose pages may upload and download through presigned links."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$", origin))])
    error_message = "cors_origins: each a scheme, a host and perhaps a port, in lower case, without a path, a slash at the end or a wildcard, such as https://app.example.com or http://localhost:5173. Name every origin: a page of an origin that is not named is kept from the API."
  }

  validation {
    condition     = alltrue([for origin in var.cors_origins : !can(regex("^(https://.*:443|http://.*:80)$", origin))])
    error_message = "cors_origins: leave out the ports 443 of https and 80 of http: browsers do not send them, so the origin would never be met."
  }
}

variable "deletion_protection" {
  description = "Whether a destroy is refused while the bucket holds objects."
  type        = bool
  default     = true
  nullable    = false
}
