# These watch what the services measure (services/common/domain/metrics.py) and what log_metrics.tf counts. A metric
# that nobody writes while all is well is not missed, except that of the sweep.
locals {
  work_alarms = merge(
    {
      work-stalled = {
        namespace   = var.deployment
        metric      = "OldestWait"
        statistic   = "Maximum"
        period      = 60
        periods     = 10
        threshold   = 60 * var.stalled_minutes
        description = "A recording has waited for more than ${var.stalled_minutes} minutes, so work does not move, or there is more of it than max_workers machines can do. `transcribe watch` shows what waits and why; `transcribe doctor` finds what is wrong and says how to mend it. Nothing is lost."
      }
      sweep-silent = {
        namespace   = var.deployment
        metric      = "Sweeps"
        period      = 60
        periods     = 15
        comparison  = "LessThanThreshold"
        threshold   = 1
        unless_told = "breaching"
        description = "No sweep has come to its end for 15 minutes: lost machines, overdue uploads and failed webhooks are not seen to. `transcribe doctor` says whether the schedule is switched off, or why the function fails. Nothing is lost; the next sweep takes everything up."
      }
      jobs-failing = {
        namespace   = var.deployment
        metric      = "JobsFailed"
        period      = 3600
        comparison  = "GreaterThanOrEqualToThreshold"
        threshold   = var.failed_jobs_an_hour
        description = "At least ${var.failed_jobs_an_hour} jobs failed within an hour. `transcribe operator jobs list CLIENT --status failed` shows each with its code; docs/operations.md says for each code what helps. `transcribe retry` queues them again where that can help."
      }
      deliveries-exhausted = {
        namespace   = var.deployment
        metric      = "Deliveries"
        dimensions  = { Outcome = "exhausted" }
        description = "A receiver did not take a webhook for three days, and no attempt is left. `transcribe doctor` says whose it is. Once the receiver is mended, `transcribe redeliver` sends the message again."
      }
      work-lost = {
        namespace   = var.deployment
        metric      = "Unaccounted"
        statistic   = "Maximum"
        period      = 3600
        description = "The hourly audit found jobs, deliveries or uploads that nobody would ever see to: a fault of this system, or a change by hand. `aws logs tail ${var.orchestrator_log_group_name} --since 2h --filter-pattern '\"audit.found\"'` names each; docs/operations.md says how to mend it. Please report it."
      }
      objects-not-deleted = {
        namespace   = var.deployment
        metric      = "Undeleted"
        description = "S3 refused to delete recordings or results that are older than retention_days and belong to no job. `aws logs tail ${var.orchestrator_log_group_name} --since 1d --filter-pattern '\"leftovers.failed\"'` says why. The walk tries again every day."
      }
      breaker-opened = {
        namespace   = var.deployment
        metric      = aws_cloudwatch_log_metric_filter.orchestrator["BreakerOpened"].metric_transformation[0].name
        description = "Three machines in a row started and never reported, so launching pauses for half an hour; jobs wait and say so. `transcribe machines` says why each ended and where its console is. After mending the image the next machine closes the breaker."
      }
    },
    var.daily_budget_usd == 0 ? {} : {
      spending = {
        namespace   = var.deployment
        metric      = "Dollars"
        period      = 86400
        threshold   = var.daily_budget_usd
        description = "The machines that ended within a day have cost more than daily_budget_usd (${var.daily_budget_usd} dollars). `transcribe cost` shows which client's jobs took how much, `transcribe machines` which machines wait for work, whose time is no job's. Fewer max_workers, or fewer types, is a lower ceiling."
      }
    },
  )
}
