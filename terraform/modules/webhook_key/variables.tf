variable "name" {
  description = "The deployment's name, which the key's alias carries."
  type        = string
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the key may still be rescued for 30 days after it was destroyed, instead of the least possible 7."
  type        = bool
  default     = true
  nullable    = false
}
