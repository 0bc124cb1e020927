"""Whether the devices that pods ask for are offered to them, whole or in part."""
