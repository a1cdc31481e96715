"""Recording a call to WAV or Ogg."""
