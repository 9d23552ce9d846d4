"""What `fastdiag` offers, for type checkers and editors: at run time rooms load when first used."""

from . import criteria as criteria
from . import drawing as drawing
from . import errors as errors
from . import landscapes as landscapes
from . import noise as noise
from . import results as results
from . import stationary as stationary
from .coefficients import CoefficientTable as CoefficientTable
from .coefficients import coefficient as coefficient
from .coefficients.build import build as build
from .coefficients.lookup import table as table  # a module beside it has its name
from .diagram import Diagram as Diagram
from .diagram import Diagrams as Diagrams
from .diagram import count_diagrams as count_diagrams
from .diagram import diagrams as diagrams
from .diagram import skeletons as skeletons
from .diagram import stream_diagrams as stream_diagrams
from .embedding import count_maps as count_maps
from .embedding import embedding_counts as embedding_counts
from .embedding import embeddings as embeddings
from .embedding import maps as maps
from .embedding import maps_formula as maps_formula
from .embedding import weighted_maps as weighted_maps
from .errors import FastdiagError as FastdiagError
from .expansion import ModifiedEquation as ModifiedEquation
from .expansion import Observable as Observable
from .expansion import expand as expand
from .expansion import modified_equation as modified_equation
from .expansion import observable as observable
from .expansion import predict as predict
from .expansion import predict_many as predict_many
from .simulation import compare as compare
from .simulation import rank as rank
from .simulation import simulate as simulate
from .spacetime import Spacetime as Spacetime
from .spacetime import updates as updates
from .values import estimate as estimate
from .values import rvalue as rvalue
from .values import uvalue as uvalue

__version__: str
__all__: list[str]
