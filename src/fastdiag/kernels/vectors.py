"""What `lanes` are to numba: vectors of LLVM, with the arithmetic of floats. A float stands for equal lanes.

Imports numba, so it is imported when something is first compiled, not before.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typeconv import Conversion
from numba.extending import lower_builtin, lower_cast, models, register_model, type_callable
from numba.np.arrayobj import make_array, populate_array

from .lanes import LANES, chosen, in_lanes, magnitude


class Lanes(types.Type):
    """LANES floats, or LANES answers to a comparison."""

    def __init__(self, element: str) -> None:
        self.element = element
        super().__init__(name=f"{LANES} x {element}")

    def can_convert_from(self, typingctx: Any, other: Any) -> Any:
        return Conversion.safe if self.element == "float" and isinstance(other, types.Float) else None


FLOATS, ANSWERS = Lanes("float"), Lanes("answer")
FLOAT = ir.DoubleType()
VECTORS = {FLOATS: ir.VectorType(FLOAT, LANES), ANSWERS: ir.VectorType(ir.IntType(1), LANES)}


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, VECTORS[lanes])


@lower_cast(types.Float, FLOATS)
def filled(context: Any, builder: Any, source: Any, target: Any, value: Any) -> Any:
    """The same number in every lane."""
    number = context.cast(builder, value, source, types.float64)
    vector = ir.Constant(VECTORS[target], ir.Undefined)
    for q in range(LANES):
        vector = builder.insert_element(vector, number, ir.Constant(ir.IntType(32), q))
    return vector


def _define(function: Any, arguments: int, result: Any, instruction: Any) -> None:
    """Let a function of numbers be an instruction on lanes, if one of its arguments has lanes."""

    @type_callable(function)
    def of_context(context: Any) -> Any:
        def of_two(x: Any, y: Any) -> Any:
            return result if FLOATS in (x, y) else None

        def of_one(x: Any) -> Any:
            return result if x == FLOATS else None

        return of_two if arguments == 2 else of_one

    def lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        cast = [context.cast(builder, value, of, FLOATS) for value, of in zip(values, signature.args, strict=True)]
        return instruction(builder, *cast)

    takes = [(FLOATS, FLOATS), (FLOATS, types.Float), (types.Float, FLOATS)] if arguments == 2 else [(FLOATS,)]
    for each in takes:
        lower_builtin(function, *each)(lowered)


for _function, _name in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    for _operator in (getattr(operator, _function), getattr(operator, f"i{_function}")):
        _define(_operator, 2, FLOATS, lambda builder, x, y, name=_name: getattr(builder, name)(x, y))
for _function, _sign in (("lt", "<"), ("gt", ">"), ("ge", ">=")):
    _define(
        getattr(operator, _function), 2, ANSWERS, lambda builder, x, y, sign=_sign: builder.fcmp_ordered(sign, x, y)
    )
_define(operator.neg, 1, FLOATS, lambda builder, x: builder.fneg(x))


def _largest(builder: Any, x: Any) -> Any:
    largest = ir.Constant(FLOAT, 0.0)
    for q in range(LANES):
        one = builder.extract_element(x, ir.Constant(ir.IntType(32), q))
        for size in (one, builder.fneg(one)):
            largest = builder.select(builder.fcmp_ordered(">", size, largest), size, largest)
    return largest


_define(magnitude, 1, types.float64, _largest)


@type_callable(chosen)
def _chosen_type(context: Any) -> Any:
    def typed(condition: Any, this: Any, other: Any) -> Any:
        return FLOATS if condition == ANSWERS else None

    return typed


@lower_builtin(chosen, ANSWERS, types.Any, types.Any)
def _chosen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    this, other = (context.cast(builder, values[i], signature.args[i], FLOATS) for i in (1, 2))
    return builder.select(values[0], this, other)


@type_callable(in_lanes)
def _in_lanes_type(context: Any) -> Any:
    def typed(array: Any) -> Any:  # not aligned: NumPy's arrays need not begin where a register would like it
        return types.Array(FLOATS, array.ndim - 1, "C", aligned=False)

    return typed


@lower_builtin(in_lanes, types.Array)
def _in_lanes(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array = make_array(signature.args[0])(context, builder, values[0])
    view = make_array(signature.return_type)(context, builder)
    shape, strides = (cgutils.unpack_tuple(builder, each)[:-1] for each in (array.shape, array.strides))
    populate_array(
        view, builder.bitcast(array.data, view.data.type), shape, strides, context.get_constant(types.intp, 8 * LANES),
        array.meminfo,
    )
    return view._getvalue()
