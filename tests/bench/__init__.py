import services.gpu_worker.engine  # noqa: F401 - before numpy is loaded: it then keeps to one thread
