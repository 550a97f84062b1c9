"""What can be wrong with an image; each sentence is shown to the caller behind the input's number."""


class BadImage(ValueError):
    """An image that cannot be embedded; the message is a sentence."""
