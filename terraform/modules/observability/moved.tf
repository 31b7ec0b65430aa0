# Where alarms were in 0.1.0, when there was a resource for each of AWS's services. Those of functions move as a whole,
# since their keys have the functions' names. Without this, an upgrade makes and deletes alarms of one name at once.
moved {
  from = aws_cloudwatch_metric_alarm.function
  to   = aws_cloudwatch_metric_alarm.this
}

moved {
  from = aws_cloudwatch_metric_alarm.queue["uploads-wait"]
  to   = aws_cloudwatch_metric_alarm.this["uploads-wait"]
}

moved {
  from = aws_cloudwatch_metric_alarm.queue["uploads-set-aside"]
  to   = aws_cloudwatch_metric_alarm.this["uploads-set-aside"]
}

moved {
  from = aws_cloudwatch_metric_alarm.table["table-read-throttles"]
  to   = aws_cloudwatch_metric_alarm.this["table-read-throttles"]
}

moved {
  from = aws_cloudwatch_metric_alarm.table["table-write-throttles"]
  to   = aws_cloudwatch_metric_alarm.this["table-write-throttles"]
}

moved {
  from = aws_cloudwatch_metric_alarm.breaker
  to   = aws_cloudwatch_metric_alarm.this["breaker-opened"]
}
