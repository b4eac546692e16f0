"""Administration: a request becomes checked records for the controller, or the error to answer."""
