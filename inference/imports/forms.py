"""What the pages of imports ask: a file, and then what to make of it."""

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat

from inference.imports.models import Import
from inference.queries import OfferedModel

_LIKELY_TEXT = ("text", "content", "body", "description", "title", "name", "image", "url")
_LIKELY_ID = ("id", "_id", "uuid")


class UploadForm(forms.Form):
    file = forms.FileField(label="CSV, JSON Lines or Parquet file", error_messages={"required": "Choose a file first."})

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        most = settings.INFERENCE_IMPORT_MAX_BYTES
        field = self.fields["file"]
        field.help_text = (
            f"Choose it or drop it here: up to {filesizeformat(most)}, in UTF-8; a CSV file names its columns in the "
            "first line. Nothing is imported before you have seen what it would cost."
        )
        field.widget.attrs |= {"accept": ".csv,.tsv,.txt,.jsonl,.ndjson,.json,.parquet", "data-most-bytes": most}


class ChoicesForm(forms.Form):
    """Which column is embedded by which model, into which collection, and what else each point gets."""

    column = forms.ChoiceField(label="Column to embed")
    model = forms.ChoiceField()
    collection = forms.CharField(
        max_length=255,
        error_messages={"required": "Name a collection of the cluster, or a new one."},
        help_text="One of the cluster's, or the name of a new one: it is made with the model's vector size.",
        widget=forms.TextInput(attrs={"list": "collections", "autocomplete": "off", "spellcheck": "false"}),
    )
    vector = forms.CharField(
        label="Named vector",
        required=False,
        max_length=255,
        help_text="Leave it empty unless the collection has, or shall have, vectors with names.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    id_column = forms.ChoiceField(
        label="Ids of the points",
        required=False,
        help_text="Whole numbers or UUIDs. A point whose id is in the collection already is replaced.",
    )
    payload_columns = forms.MultipleChoiceField(
        label="Columns to keep as payload", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *arguments: Any, draft: Import, models: list[OfferedModel], **options: Any) -> None:
        super().__init__(*arguments, **options)
        columns = [(name, name) for name in draft.columns]
        for name in ("column", "payload_columns"):
            self.fields[name].choices = columns  # type: ignore[attr-defined]
        self.fields["id_column"].choices = [("", "Made for you"), *columns]  # type: ignore[attr-defined]
        self.fields["model"].choices = [(one.spec.name, _described(one)) for one in models]  # type: ignore[attr-defined]

    def refuse(self, field: str | None, sentence: str) -> None:
        """Show the sentence at its field, or above all of them."""
        self.add_error(field if field in self.fields else None, sentence)


def likely_choices(draft: Import, models: list[OfferedModel]) -> dict[str, Any]:
    """What most people would choose for this file."""
    by_name = {name.lower(): name for name in draft.columns}
    texts = [by_name[name] for name in _LIKELY_TEXT if name in by_name]
    stem = draft.file_name.rsplit(".", 1)[0]
    return {
        "column": (texts or [_longest_text(draft)])[0],
        "model": models[0].spec.name,
        "collection": "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem)[:60],
        "id_column": next((by_name[name] for name in _LIKELY_ID if name in by_name), ""),
        "payload_columns": draft.columns,
    }


def _longest_text(draft: Import) -> str:
    def length(name: str) -> int:
        return sum(len(value) for row in draft.preview if isinstance(value := row.get(name), str))

    return str(max(draft.columns, key=length))


def _described(one: OfferedModel) -> str:
    size = f"{one.spec.vectors}, {one.spec.dimensions}" if one.spec.dimensions else one.spec.vectors
    return f"{one.spec.title} ({size}, {one.spec.modality})"
