# Up to version 0.1.0 both markets had one template. With this, an existing deployment keeps it.
moved {
  from = aws_launch_template.this
  to   = aws_launch_template.this["on-demand"]
}
