// Every throughput test, in the order in which results list them.

import { BENCHMARK_TESTS, type BenchmarkTest } from './benchmark_tests.ts';
import { FAMILY_TESTS } from './family_tests.ts';

export const ALL_TESTS: readonly BenchmarkTest[] = [...BENCHMARK_TESTS, ...FAMILY_TESTS];
