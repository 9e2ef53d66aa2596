"""What tests read of an answer or of a command."""

from io import StringIO

from django.contrib.messages import get_messages
from django.core.management import call_command


def messages_of(response):
    """The messages that an answer leaves for the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def run(command, *arguments, **options):
    """What a command prints, to both streams."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=out, **options)
    return out.getvalue()
