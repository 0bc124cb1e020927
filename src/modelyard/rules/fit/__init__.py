"""Whether the memory of devices and pods is enough for models."""
