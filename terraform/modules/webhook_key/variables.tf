variable "name" {
  description = "The deployment's name, which the key's alias carries."
  type        = string
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether KMS keeps the key for 30 days after a destroy, in which it can be rescued, and not for the least possible 7."
  type        = bool
  default     = true
  nullable    = false
}
