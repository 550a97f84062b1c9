"""The admin API's list of embedding models."""

from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.booking.v1 import booking_pb2
from cloudconsole.api.registry import serves
from clusters.queries import region_of
from inference.queries import OfferedModel, offered_models


@serves("qdrant.cloud.booking.v1.BookingService.ListInferenceModels")
def list_inference_models(
    request: booking_pb2.ListInferenceModelsRequest, caller: Caller
) -> booking_pb2.ListInferenceModelsResponse:
    """The same models in every region: whether a cluster may use them is the gate's to say."""
    region_of(request.cloud_provider_id, request.cloud_provider_region_id)
    return booking_pb2.ListInferenceModelsResponse(items=[_model(offered) for offered in offered_models()])


def _model(offered: OfferedModel) -> booking_pb2.InferenceModel:
    spec = offered.spec
    return booking_pb2.InferenceModel(
        id=str(offered.id),
        name=spec.name,
        title=spec.title,
        description=spec.description,
        vector_type=f"VECTOR_TYPE_{spec.vector_type.upper()}",
        modality=f"MODEL_MODALITY_{spec.modality.upper()}",
        vendor=spec.vendor,
        unit_int_price=offered.price_millicents_per_million,
        is_external=spec.is_external,
        dimensionality=spec.dimensions,
        max_tokens_per_request=spec.context_window,
        external_docs_url=spec.external_docs_url,
    )
