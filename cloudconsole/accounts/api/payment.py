"""PaymentService: simulated payment methods, all of the type CUSTOM."""

from typing import Any
from uuid import UUID

from google.protobuf import json_format

from cloudconsole.accounts import payment_methods
from cloudconsole.accounts.models import PaymentMethod
from cloudconsole.accounts.queries import payment_method_of
from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.payment.v1 import payment_pb2
from cloudconsole.api.registry import serves
from cloudconsole.errors import Code, ServiceError

_SERVICE = "qdrant.cloud.payment.v1.PaymentService"
_KEPT = ("payment_provider_id", "tax_id", "billing_address")


@serves(f"{_SERVICE}.ListPaymentMethods")
def list_methods(
    request: payment_pb2.ListPaymentMethodsRequest, caller: Caller
) -> payment_pb2.ListPaymentMethodsResponse:
    rows = caller.account.payment_methods.order_by("created_at", "id")
    return payment_pb2.ListPaymentMethodsResponse(items=[_method(row) for row in rows])


@serves(f"{_SERVICE}.GetPaymentMethod")
def get_method(request: payment_pb2.GetPaymentMethodRequest, caller: Caller) -> payment_pb2.GetPaymentMethodResponse:
    row = payment_method_of(caller.account, UUID(request.payment_method_id))
    return payment_pb2.GetPaymentMethodResponse(payment_method=_method(row))


@serves(f"{_SERVICE}.GetPaymentMethodAvailability")
def get_availability(
    request: payment_pb2.GetPaymentMethodAvailabilityRequest, caller: Caller
) -> payment_pb2.GetPaymentMethodAvailabilityResponse:
    able = caller.account.payment_methods.exists()
    status = "AVAILABLE" if able else "NOT_CONFIGURED"
    return payment_pb2.GetPaymentMethodAvailabilityResponse(
        availability=payment_pb2.PaymentMethodAvailability(status=f"PAYMENT_METHOD_AVAILABILITY_STATUS_{status}")
    )


@serves(f"{_SERVICE}.CreatePaymentMethod")
def create_method(
    request: payment_pb2.CreatePaymentMethodRequest, caller: Caller
) -> payment_pb2.CreatePaymentMethodResponse:
    wanted = request.payment_method
    _check_type(wanted)
    row = payment_methods.add_payment_method(
        account=caller.account, details=_details(wanted), is_default=wanted.is_default, requested_by=caller.actor
    )
    return payment_pb2.CreatePaymentMethodResponse(payment_method=_method(row))


def _locked_method(request: payment_pb2.UpdatePaymentMethodRequest, caller: Caller) -> payment_pb2.PaymentMethod:
    return _method(payment_method_of(caller.account, UUID(request.payment_method.id), locked=True))


@serves(f"{_SERVICE}.UpdatePaymentMethod", current=_locked_method)
def update_method(
    request: payment_pb2.UpdatePaymentMethodRequest, caller: Caller
) -> payment_pb2.UpdatePaymentMethodResponse:
    wanted = request.payment_method
    _check_type(wanted)
    row = payment_methods.change_payment_method(
        account=caller.account,
        method_id=UUID(wanted.id),
        details=_details(wanted),
        is_default=wanted.is_default,
        requested_by=caller.actor,
    )
    return payment_pb2.UpdatePaymentMethodResponse(payment_method=_method(row))


@serves(f"{_SERVICE}.DeletePaymentMethod")
def delete_method(
    request: payment_pb2.DeletePaymentMethodRequest, caller: Caller
) -> payment_pb2.DeletePaymentMethodResponse:
    payment_methods.remove_payment_method(
        account=caller.account, method_id=UUID(request.payment_method_id), requested_by=caller.actor
    )
    return payment_pb2.DeletePaymentMethodResponse()


def _check_type(wanted: payment_pb2.PaymentMethod) -> None:
    if wanted.type != payment_pb2.PAYMENT_PROVIDER_TYPE_CUSTOM:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            "Payment is a simulation here: only methods of the type PAYMENT_PROVIDER_TYPE_CUSTOM can be added.",
            "type",
        )


def _details(wanted: payment_pb2.PaymentMethod) -> dict[str, Any]:
    told = json_format.MessageToDict(wanted, preserving_proto_field_name=True)
    return {name: told[name] for name in _KEPT if name in told}


def _method(row: PaymentMethod) -> payment_pb2.PaymentMethod:
    message = json_format.ParseDict(row.details, payment_pb2.PaymentMethod())
    message.MergeFrom(
        payment_pb2.PaymentMethod(
            id=str(row.pk),
            account_id=str(row.account_id),
            type=payment_pb2.PAYMENT_PROVIDER_TYPE_CUSTOM,
            created_at=row.created_at,
            last_modified_at=row.modified_at,
            is_default=row.is_default,
            status=payment_pb2.PAYMENT_METHOD_STATUS_ACTIVE,
        )
    )
    return message
