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

from .lanes import LANES, chosen, in_blocks, in_lanes, magnitude, power_of_two


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
for _function, _sign in (("lt", "<"), ("gt", ">"), ("ge", ">="), ("eq", "==")):
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


def _power_of_two(builder: Any, x: Any) -> Any:
    bits = ir.IntType(64) if x.type == FLOAT else ir.VectorType(ir.IntType(64), LANES)

    def everywhere(number: int) -> Any:
        return ir.Constant(bits, number if x.type == FLOAT else [number] * LANES)

    shifted = builder.shl(builder.bitcast(x, bits), everywhere(52))
    return builder.bitcast(builder.add(shifted, everywhere(1023 << 52)), x.type)


_define(power_of_two, 1, FLOATS, _power_of_two)


@type_callable(power_of_two)
def _power_of_two_type(context: Any) -> Any:
    return lambda x: types.float64 if isinstance(x, types.Float) else None


@lower_builtin(power_of_two, types.Float)
def _one_power_of_two(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return _power_of_two(builder, *values)


@type_callable(chosen)
def _chosen_type(context: Any) -> Any:
    def typed(condition: Any, this: Any, other: Any) -> Any:
        if isinstance(condition, types.Boolean):
            return types.float64
        return FLOATS if condition == ANSWERS else None

    return typed


@lower_builtin(chosen, ANSWERS, types.Any, types.Any)
@lower_builtin(chosen, types.Boolean, types.Any, types.Any)
def _chosen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    this, other = (context.cast(builder, values[i], signature.args[i], signature.return_type) for i in (1, 2))
    return builder.select(values[0], this, other)


def _define_view(function: Any, axes: int) -> None:
    """Let a function of arrays give their last axis' numbers as lanes; axes: how many are left more than others."""

    @type_callable(function)
    def of_context(context: Any) -> Any:
        def typed(array: Any) -> Any:  # not aligned: NumPy's arrays need not begin where a register would like it
            return types.Array(FLOATS, array.ndim - 1 + axes, "C", aligned=False)

        return typed

    @lower_builtin(function, types.Array)
    def lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, values[0])
        view = make_array(signature.return_type)(context, builder)
        *shape, last = cgutils.unpack_tuple(builder, array.shape)
        *strides, _ = cgutils.unpack_tuple(builder, array.strides)
        if axes:
            shape.append(builder.sdiv(last, ir.Constant(last.type, LANES)))
            strides.append(ir.Constant(last.type, 8 * LANES))
        populate_array(
            view, builder.bitcast(array.data, view.data.type), shape, strides, context.get_constant(types.intp, 8 * LANES),
            array.meminfo,
        )
        return view._getvalue()


_define_view(in_lanes, 0)
_define_view(in_blocks, 1)
