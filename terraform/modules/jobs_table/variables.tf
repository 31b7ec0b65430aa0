variable "name" {
  description = "The table's name."
  type        = string
  default     = "transcription-jobs"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.name))
    error_message = "table_name: 3 to 255 letters, digits, underscores, hyphens and dots."
  }
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to delete the table."
  type        = bool
  default     = true
  nullable    = false
}
