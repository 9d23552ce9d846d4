"""Oracle of resummed edges: the recursion of a rule with the linear force, update by update."""

from fastdiag import updates


def propagated(rule, hessian, eta, s, t, to_root):
    """What an edge from update s to update t carries, a matrix over the weights: the recursion, update by update."""
    rule = updates.sgd() if rule is None else rule
    rates = [1] * (t + 1) if rule.schedule is None else list(rule.schedule)
    n, parts = len(hessian), range(len(rule.push))
    result = [[0] * n for _ in range(n)]
    for b in range(n):
        z = [[rates[s] * push * (a == b) for a in range(n)] for push in rule.push]  # what a gradient along b leaves
        for u in range(s + 1, t):
            point = [sum(rule.point[i] * z[i][a] for i in parts) for a in range(n)]
            slope = [rates[u] * eta * sum(hessian[a][c] * point[c] for c in range(n)) for a in range(n)]
            z = [[sum(rule.step[i][j] * z[j][a] for j in parts) - rule.push[i] * slope[a] for a in range(n)] for i in parts]
        ends = rule.seen if to_root else rule.point
        for a in range(n):
            result[a][b] = eta * sum(ends[i] * z[i][a] for i in parts)
    return result
