"""What people typed into a form, or gave it as a file."""

from starlette.datastructures import FormData, UploadFile

_LONGEST = 255
_LONGEST_PROSE = 2_000


def text_of(form: FormData, name: str) -> str:
    """Return the text of a field on one line, without what cannot be printed; empty where there is none."""
    value = form.get(name, "")
    return "".join(filter(str.isprintable, value)).strip()[:_LONGEST] if isinstance(value, str) else ""


def prose_of(form: FormData, name: str) -> str:
    """Return the text of a field that may have several lines; empty where there is none."""
    value = form.get(name, "")
    return value.strip()[:_LONGEST_PROSE] if isinstance(value, str) else ""


def typed_in(form: FormData | None, *names: str) -> dict[str, str]:
    """Return the texts of these fields, to be shown again; empty where no form was sent."""
    return {name: "" if form is None else text_of(form, name) for name in names}


async def file_of(form: FormData) -> tuple[str, bytes]:
    """Return the name and the content of the form's ``file``, and close it; nothing where there is none."""
    file = form.get("file")
    found = (file.filename or "", await file.read()) if isinstance(file, UploadFile) else ("", b"")
    await form.close()
    return found
