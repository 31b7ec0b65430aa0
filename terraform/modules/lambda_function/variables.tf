variable "name" {
  description = "Prefix of the role's name. It must be unique in the account, because roles belong to no region."
  type        = string
  nullable    = false
}

variable "service" {
  description = "The service that the function runs: the end of its role's name, and the name of its policy."
  type        = string
  nullable    = false
}

variable "function_name" {
  description = "The function's name."
  type        = string
  nullable    = false
}

variable "description" {
  description = "What the function does, as the console shows it."
  type        = string
  nullable    = false
}

variable "role_description" {
  description = "Whose role it is, as the console shows it."
  type        = string
  nullable    = false
}

variable "handler" {
  description = "The Python function that Lambda calls, as module.function."
  type        = string
  nullable    = false
}

variable "zip_path" {
  description = "Path of the function's package, as `./nox -s package` builds it."
  type        = string
  nullable    = false
}

variable "timeout_seconds" {
  description = "Seconds that one call may take."
  type        = number
  nullable    = false
}

variable "environment" {
  description = "The function's environment variables. Nothing secret belongs here."
  type        = map(string)
  nullable    = false
}

variable "policy" {
  description = "IAM policy, as JSON, of what the function may do. Writing its own log is added to it."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days for which the log is kept."
  type        = number
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
