"""ONNX by MLServer, which has no runtime of its own for it: loaded from the folder of model-settings.json."""

import os

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


class OnnxModel(MLModel):
    """A model in ONNX, whose inputs and outputs have the names of its graph."""

    async def load(self) -> bool:
        """Load the model with as many threads as the pod has cores."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])  # ONNX Runtime itself does not read it
        path = await get_model_uri(self._settings)
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._inputs = {each.name for each in self._session.get_inputs()}
        self._outputs = [each.name for each in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return every output, or those that the request names."""
        given = {each.name: self.decode(each, default_codec=NumpyCodec) for each in payload.inputs}
        if set(given) != self._inputs:
            raise InferenceError(f"the model has the inputs {sorted(self._inputs)}, the request {sorted(given)}")
        wanted = [each.name for each in payload.outputs or ()] or self._outputs
        if unknown := set(wanted) - set(self._outputs):
            raise InferenceError(f"the model has the outputs {self._outputs}, not {sorted(unknown)}")
        try:
            values = self._session.run(wanted, given)
        except Exception as error:  # of its C++ side, which has no public base class
            raise InferenceError(f"ONNX Runtime refuses the inputs: {error}") from error
        made = [NumpyCodec.encode_output(name, value) for name, value in zip(wanted, values, strict=True)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=made)
