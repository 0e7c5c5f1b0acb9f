"""One page, to show a request from the token to the rows."""
from django.http import JsonResponse
from django.urls import path

from .models import Customer


def customers(_request):
    return JsonResponse({"customers": list(Customer.objects.order_by("name").values_list("name", flat=True))})


urlpatterns = [path("customers", customers)]
