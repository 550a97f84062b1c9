"""What a provisioner may answer instead of doing what it was asked."""


class ProvisionerUnavailable(Exception):
    """The provisioner cannot do it now. The text is a sentence that says why; repeating the call is safe."""


class GenerationRefused(ProvisionerUnavailable):
    """An older generation still runs and must be stopped first, or a newer one was asked for meanwhile."""
