# Which files are deployed: those of `./nox -s package`, or of a release.
locals {
  dist             = "${path.module}/../dist"
  api_zip          = var.api_zip != "" ? var.api_zip : "${local.dist}/api.zip"
  orchestrator_zip = var.orchestrator_zip != "" ? var.orchestrator_zip : "${local.dist}/orchestrator.zip"
  worker_artifact  = var.worker_artifact != "" ? var.worker_artifact : "${local.dist}/worker.tar.gz"

  # The lock says at which revision and with which digests a machine may fetch a model. Its names are those of
  # var.models, and `speakers`: the models that tell speakers apart.
  models_lock       = var.models_lock != "" ? var.models_lock : "${path.module}/../packer/models.lock.json"
  recorded_models   = fileexists(local.models_lock) ? keys(jsondecode(file(local.models_lock))) : []
  wanted_models     = concat(var.models, var.speaker_labels ? ["speakers"] : [])
  unrecorded_models = [for model in local.wanted_models : model if !contains(local.recorded_models, model)]

  # What the functions refuse.
  unavailable_models = concat(local.unrecorded_models, var.speaker_labels ? [] : ["speakers"])
}
