variable "name" {
  description = "Prefix of the names of everything in this module."
  type        = string
  nullable    = false
}

variable "deployment" {
  description = "The deployment's name, which is the namespace of its metrics."
  type        = string
  nullable    = false
}

variable "stalled_minutes" {
  description = "Minutes that a recording may wait, whatever for, until an alarm rings."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.stalled_minutes >= 10 && floor(var.stalled_minutes) == var.stalled_minutes
    error_message = "stalled_minutes: whole minutes, 10 or more, since a machine may have to start."
  }
}

variable "failed_jobs_an_hour" {
  description = "Jobs that may not fail within an hour: so many, or more, ring an alarm."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.failed_jobs_an_hour >= 1 && floor(var.failed_jobs_an_hour) == var.failed_jobs_an_hour
    error_message = "failed_jobs_an_hour: a whole number, 1 or more."
  }
}

variable "alarm_email" {
  description = "E-mail address that gets the alarms. Empty makes the topic without a subscriber."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.alarm_email))
    error_message = "alarm_email: an e-mail address, or empty."
  }
}

variable "daily_budget_usd" {
  description = "US dollars a day above which AWS writes to `alarm_email`, whatever the account has spent them on, and an alarm rings if the machines have cost so much; 0 makes neither."
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
  description = "The name of the queue in which uploads wait."
  type        = string
  nullable    = false
}

variable "dead_letter_queue_name" {
  description = "The name of the queue that keeps uploads which failed to be taken in five times."
  type        = string
  nullable    = false
}

variable "function_names" {
  description = "Names of the functions to watch."
  type        = list(string)
  nullable    = false
}

variable "orchestrator_log_group_name" {
  description = "Name of the orchestrator's log group. A breaker that opened and an upload that was ignored are counted there."
  type        = string
  nullable    = false
}

variable "table_name" {
  description = "The jobs table's name."
  type        = string
  nullable    = false
}

variable "index_names" {
  description = "The names of the table's indexes."
  type        = list(string)
  nullable    = false
}
