"""Console pages of inference."""

app_name = "inference"
urlpatterns: list = []
