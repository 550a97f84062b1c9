"""What the Try it page asks."""

import base64
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from inference.catalogue import CATALOGUE
from inference.trying import Input, models_to_try

MOST_TEXTS = 8
MOST_IMAGES = 4
EXAMPLES = (
    "Recipe for baking chocolate chip cookies",
    "How do I bake biscuits with chocolate?",
    "Tomato soup with garlic and basil",
)


class _ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class _Images(forms.FileField):
    """Any number of files, as a list."""

    widget = _ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list) else [data] if data else []
        return [super(_Images, self).clean(one, initial) for one in files]


class TryForm(forms.Form):
    """Texts, one in a line, and images; the models to send them to; whether they are stored or asked."""

    texts = forms.CharField(
        required=False,
        max_length=200_000,
        help_text=f"One text in a line, {MOST_TEXTS} at most.",
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )
    images = _Images(
        required=False,
        help_text=f"Choose them or drop them here: PNG, JPEG, WebP or GIF, {MOST_IMAGES} at most, together up to 1 MB.",
        widget=_ManyFiles(attrs={"accept": "image/*"}),
    )
    models = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    kind = forms.ChoiceField(
        label="Embed them as",
        choices=[("update", "What is stored"), ("search", "What is asked")],
        widget=forms.RadioSelect,
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        choices = [(name, CATALOGUE[name].title) for name in models_to_try()]
        self.fields["models"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        texts = [line.strip() for line in cleaned.get("texts", "").splitlines() if line.strip()]
        images: list[UploadedFile] = cleaned.get("images") or []
        if len(texts) > MOST_TEXTS:
            self.add_error("texts", f"These are {len(texts)} texts. Leave {MOST_TEXTS} of them.")
        if len(images) > MOST_IMAGES:
            self.add_error("images", f"These are {len(images)} images. Choose {MOST_IMAGES} of them.")
        modalities = {CATALOGUE[name].modality for name in cleaned.get("models", [])}
        if "text" in modalities and not texts:
            self.add_error("texts", "Write at least one text, or choose no model for texts.")
        if "image" in modalities and not images:
            self.add_error("images", "Choose at least one image, or no model for images.")
        if not self.errors:
            self.inputs = [Input(text, "text", text) for text in texts] + [_image(file) for file in images]
        return cleaned


def _image(file: UploadedFile) -> Input:
    return Input(file.name or "image", "image", base64.b64encode(file.read()).decode())
