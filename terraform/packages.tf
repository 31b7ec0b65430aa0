# Which files are deployed: those of `./nox -s package`, or of a release.
locals {
  dist             = "${path.module}/../dist"
  api_zip          = var.api_zip != "" ? var.api_zip : "${local.dist}/api.zip"
  orchestrator_zip = var.orchestrator_zip != "" ? var.orchestrator_zip : "${local.dist}/orchestrator.zip"
  worker_artifact  = var.worker_artifact != "" ? var.worker_artifact : "${local.dist}/worker.tar.gz"

  # The lock says at which revision and with which digests a machine may fetch a model. Its names are those of
  # var.models.
  models_lock       = var.models_lock != "" ? var.models_lock : "${path.module}/../packer/models.lock.json"
  recorded_models   = fileexists(local.models_lock) ? keys(jsondecode(file(local.models_lock))) : []
  unrecorded_models = [for model in var.models : model if !contains(local.recorded_models, model)]
}
