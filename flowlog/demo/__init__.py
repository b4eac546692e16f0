"""The bundled demo: a month of real flights, the app that counts them, and its terminal view.

Here live the data (`month`, `year`), the program (`flights`), the producer that replays the
data at a visible speed (`replay`), what the viewer sees (`answers`, `screen`, `view`) and the
month computed in one go (`batch`), against which the demo checks itself.
"""
