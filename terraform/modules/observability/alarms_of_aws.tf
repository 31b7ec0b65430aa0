# These watch what AWS itself measures.
locals {
  queue_alarms = {
    uploads-wait = {
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.queue_name }
      statistic   = "Maximum"
      threshold   = 900
      description = "An upload has waited 15 minutes to be taken in. `transcribe doctor` says whether the mapping is switched off or the function fails; the uploads are safe in the queue."
    }
    uploads-set-aside = {
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.dead_letter_queue_name }
      statistic   = "Maximum"
      description = "An upload failed to be taken in five times and was set aside. Find the reason in the orchestrator's log, mend it, then redrive the dead letter queue: `transcribe doctor` prints the command."
    }
  }

  function_alarms = merge([
    for function in var.function_names : {
      "${function}-errors" = {
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = function }
        comparison  = "GreaterThanOrEqualToThreshold"
        threshold   = 3
        description = "${function} failed at least three times in five minutes. Its log says why; what it was doing is taken up again by the sweep or by SQS. `transcribe doctor` finds settings and rights that are missing."
      }
      "${function}-throttles" = {
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = { FunctionName = function }
        comparison  = "GreaterThanOrEqualToThreshold"
        threshold   = 3
        description = "${function} was refused for want of concurrency. Raise the account's Lambda concurrency quota (`transcribe doctor` shows it), or find what else uses it up."
      }
    }
  ]...)

  # The table's own metrics leave its indexes out: each index has its own.
  throttled = merge(
    { table = {} },
    { for index in var.index_names : "index-${replace(index, "_", "-")}" => { GlobalSecondaryIndexName = index } },
  )
  table_alarms = merge([
    for name, index in local.throttled : {
      for metric in ["ReadThrottleEvents", "WriteThrottleEvents"] :
      "${name}-${lower(trimsuffix(metric, "ThrottleEvents"))}-throttles" => {
        namespace   = "AWS/DynamoDB"
        metric      = metric
        dimensions  = merge({ TableName = var.table_name }, index)
        periods     = 2
        threshold   = 10
        description = "DynamoDB slowed down ${name == "table" ? "the jobs table" : "the index ${index.GlobalSecondaryIndexName} of the jobs table"}. On-demand tables adapt within minutes. If it lasts, `transcribe watch` shows whether there is more work than usual; if not, a client asks the API without pause: each `request.done` in the API's log has its client_id."
      }
    }
  ]...)
}
