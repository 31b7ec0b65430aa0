# This depends on everything, so it is the first to be destroyed. While protection is on it refuses, before anything is
# gone. Otherwise a destroy would fail half-way, when DynamoDB refuses to delete the table.
resource "terraform_data" "guard" {
  input = {
    protected = var.deletion_protection
  }

  depends_on = [
    module.network,
    module.storage,
    module.jobs_table,
    module.webhook_key,
    module.gpu_worker,
    module.orchestrator,
    module.api,
    module.observability,
  ]

  provisioner "local-exec" {
    when    = destroy
    command = self.input.protected ? "echo 'Refused: deletion_protection is on. To destroy jobs, recordings and transcripts for good, run: terraform apply -var deletion_protection=false' >&2; exit 1" : "exit 0"
  }
}
