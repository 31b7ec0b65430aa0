variable "name" {
  description = "Prefix of the names of everything in this module."
  type        = string
  nullable    = false
}

variable "deployment" {
  description = "Name of the deployment, which alarms carry in their text."
  type        = string
  nullable    = false
}

variable "alarm_email" {
  description = "Who hears alarms; empty makes the topic without a subscriber."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.alarm_email))
    error_message = "alarm_email: an e-mail address, or empty."
  }
}

variable "daily_budget_usd" {
  description = "US dollars a day, over the whole account, above which AWS writes to `alarm_email`; 0 makes no budget."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.daily_budget_usd >= 0
    error_message = "daily_budget_usd: dollars, or 0 for none."
  }

  validation {
    condition     = var.daily_budget_usd == 0 || var.alarm_email != ""
    error_message = "daily_budget_usd: a budget needs alarm_email, to which AWS writes."
  }
}

variable "queue_name" {
  description = "The uploads' queue."
  type        = string
  nullable    = false
}

variable "dead_letter_queue_name" {
  description = "The queue of uploads that failed five times."
  type        = string
  nullable    = false
}

variable "function_names" {
  description = "The functions to watch."
  type        = list(string)
  nullable    = false
}

variable "orchestrator_log_group_name" {
  description = "The orchestrator's log group, in which opened breakers and ignored events are counted."
  type        = string
  nullable    = false
}

variable "table_name" {
  description = "The jobs table's name."
  type        = string
  nullable    = false
}
