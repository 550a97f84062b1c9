"""Console pages of budgets."""

from django.urls import path

from billing.budgets import views

app_name = "budgets"
urlpatterns = [
    path("billing/budgets", views.budgets, name="list"),
    path("billing/budgets/<uuid:budget_id>", views.budget, name="budget"),
    path("billing/budgets/<uuid:budget_id>/remove", views.remove, name="remove"),
]
