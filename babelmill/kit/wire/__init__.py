"""What crosses a wire: channels, errors, reasons, trace context, broker messages."""
