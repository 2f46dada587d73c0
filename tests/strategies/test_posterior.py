"""Strategies of posterior and logits against their formulas, one example at a time."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import torch

import albench
from tests.strategies.rounds import Seen, close, look, probe64, round64


def test_random_draws_one_uniform_number_for_each_set_from_its_own_stream() -> None:
    query, expected = round64(), torch.rand(6, generator=round64().generator)
    assert torch.equal(albench.strategy("random").score_sets(query), expected)
    close(albench.strategy("random").score(round64()), torch.rand(36, generator=round64().generator))


def test_min_is_minus_the_largest_posterior() -> None:
    query = round64()
    close(albench.strategy("min").score(query), [-max(p) for p in look(query).p])


def test_1vs2_is_minus_the_difference_of_the_two_largest() -> None:
    query = round64()
    close(albench.strategy("1vs2").score(query), [sorted(p)[-2] - sorted(p)[-1] for p in look(query).p])


def test_max_is_the_largest_posterior() -> None:
    query = round64()
    close(albench.strategy("max").score(query), [max(p) for p in look(query).p])


def test_entropy_is_that_of_the_posterior_in_nats() -> None:
    query = round64()
    expected = [-sum(q * log(q) for q in p) for p in look(query).p]
    close(albench.strategy("entropy").score(query), expected)
    sets = albench.strategy("entropy").score_sets(query)
    close(sets, [np.mean([expected[i] for i in members]) for members in look(query).sets])


def test_energy_is_minus_the_log_of_the_sum_of_exponentials() -> None:
    query = round64()
    close(albench.strategy("energy").score(query), [-log(sum(exp(v) for v in z)) for z in look(query).z])
    tempered = [-3 * log(sum(exp(v / 3) for v in z)) for z in look(query).z]
    close(albench.strategy("energy[temperature=3]").score(query), tempered)


def test_max_logit_is_minus_the_largest_logit() -> None:
    query = round64()
    close(albench.strategy("max-logit").score(query), [-max(z) for z in look(query).z])


def _mahalanobis(seen: Seen) -> list[float]:
    means = {c: seen.labeled_f[seen.labels == c].mean(axis=0) for c in set(seen.labels.tolist())}
    centred = np.array([f - means[c] for f, c in zip(seen.labeled_f, seen.labels.tolist(), strict=True)])
    covariance = sum(np.outer(row, row) for row in centred) / len(centred)
    covariance = covariance + 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return [min((f - m) @ np.linalg.solve(covariance, f - m) for m in means.values()) for f in seen.f]


def test_mahalanobis_is_the_distance_to_the_nearest_class_mean_by_the_common_covariance() -> None:
    query = round64(n_labeled=40)
    close(albench.strategy("mahalanobis").score(query), _mahalanobis(look(query)), rtol=1e-6)


def test_mahalanobis_measures_to_no_mean_of_a_class_without_labels() -> None:
    probe = probe64(n_labeled=40)
    labels = torch.tensor([0, 1, 3, 1] * 10)
    pool = probe.pool.clone()
    pool[:6] = 0  # whose features are the biases, here the point at which an empty mean would lie
    query = replace(probe, labels=labels, pool=pool).query()
    seen = look(query)
    assert np.abs(seen.f[:6]).max() == 0
    close(albench.strategy("mahalanobis").score(query), _mahalanobis(seen), rtol=1e-6)


def test_gradnorm_is_minus_the_l1_length_of_the_gradient_towards_a_uniform_posterior() -> None:
    query = round64(n_pool=18)
    head = query.network.head
    expected = []
    for feature in query.features:
        divergence = -torch.log_softmax(head(feature), dim=0).mean()
        (gradient,) = torch.autograd.grad(divergence, head.weight)
        expected.append(-float(gradient.abs().sum()))
    close(albench.strategy("gradnorm").score(query), expected)


def test_oracle_novel_wants_unfound_classes_first_and_then_those_with_fewest_labels() -> None:
    from albench.testing import make_probe

    probe = replace(make_probe(n_labeled=11), permitted=True)
    query = probe.query()
    counts = np.bincount(query.labels.numpy(), minlength=query.n_classes)
    needs = [0 if c >= query.n_classes else -counts[c] for c in probe.hidden.tolist()]
    scores = albench.strategy("oracle-novel").score(query).numpy()
    assert ((scores - needs >= 0) & (scores - needs < 1)).all()
    sets = albench.strategy("oracle-novel").score_sets(probe.query()).numpy()
    best = probe.hidden[probe.sets[int(np.argmax(sets))]]
    assert (best >= query.n_classes).all()
