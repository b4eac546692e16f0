"""One module per Kafka API, by its name: what it serves, in which versions, and how it answers.

A module gives `API_KEY`, `VERSIONS` (lowest and highest advertised) and `handle(request, context)`.
Handlers keep no state; they compose the services of `context`.
"""
