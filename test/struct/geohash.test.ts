// Goal: scores, positions, text forms, distances and search results are Redis's, for places anywhere
// and scores of any value.
// Method: the geometry on its own; then the same commands on a real server, results compared in their
// order.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import type { Reply } from '../support/resp_decoder.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

interface Exports {
  geoLongitude: { value: number };
  geoLatitude: { value: number };
  geohashEncode(longitude: number, latitude: number): number;
  geohashDecode(score: number): void;
  geohashText(score: number, out: number): void;
  geoDistance(long1: number, lat1: number, long2: number, lat2: number): number;
  geoWithin(shape: number, score: number): number;
  geoCenterDistance(shape: number): number;
  geoSearchRanges(shape: number): number;
  geoRangeMin(range: number): number;
  geoRangeMax(range: number): number;
  formatF64Fixed(value: number, digits: number, out: number): number;
}

interface Place {
  longitude: number;
  latitude: number;
}
interface Shape extends Place {
  radius: number;
  width: number;
  height: number;
  unit: number;
  isBox: boolean;
}

const LAT_MAX = 85.05112878;
const TEXT_CHARS = 11;
const UNITS: Record<string, number> = { m: 1, km: 1000, ft: 0.3048, mi: 1609.34 };
/** A distance this near to where its fourth decimal changes may be printed either way. */
const ROUNDING_DOUBT = 1e-7;

const random = Random.fresh();
const seed = `seed ${random.seed}`;
let module: TestModule<Exports>;
let run: Exports;

beforeAll(async () => {
  module = await loadTestModule<Exports>('lists');
  run = module.exports;
});

const uniform = (low: number, high: number) => low + (random.u32() / 2 ** 32) * (high - low);

/** Somewhere; often near others, at the date line, a pole or the equator. */
function somewhere(): Place {
  switch (random.below(6)) {
    case 0:
      return { longitude: uniform(13, 13.8), latitude: uniform(52.3, 52.7) };
    case 1:
      return { longitude: random.pick([-1, 1]) * uniform(179.9, 180), latitude: uniform(-60, 60) };
    case 2:
      return {
        longitude: uniform(-180, 180),
        latitude: random.pick([-1, 1]) * uniform(80, LAT_MAX),
      };
    case 3:
      return { longitude: uniform(-0.1, 0.1), latitude: uniform(-0.1, 0.1) };
    case 4:
      return {
        longitude: random.pick([-180, 0, 180]),
        latitude: random.pick([-LAT_MAX, 0, LAT_MAX]),
      };
    default:
      return { longitude: uniform(-180, 180), latitude: uniform(-LAT_MAX, LAT_MAX) };
  }
}

function placeShape(shape: Shape): number {
  const { longitude, latitude, radius, width, height, unit, isBox } = shape;
  const bytes = Buffer.alloc(56);
  [longitude, latitude, radius, width, height, unit].forEach((value, i) => {
    bytes.writeDoubleLE(value, i * 8);
  });
  bytes.writeUInt32LE(isBox ? 1 : 0, 48);
  module.write(module.base, bytes);
  return module.base;
}

function decode(score: number): Place {
  run.geohashDecode(score);
  return { longitude: run.geoLongitude.value, latitude: run.geoLatitude.value };
}

function fourDecimals(value: number): string {
  const out = module.base + 100;
  return module.text(out, run.formatF64Fixed(value, 4, out));
}

describe('geohash', () => {
  it(`decodes to within half a cell of what it encoded (${seed})`, () => {
    for (let round = 0; round < 5000; round++) {
      const place = somewhere();
      const found = decode(run.geohashEncode(place.longitude, place.latitude));
      expect(Math.abs(found.longitude - place.longitude)).toBeLessThanOrEqual(
        180 / 2 ** 26 + 1e-12,
      );
      expect(Math.abs(found.latitude - place.latitude)).toBeLessThanOrEqual(
        LAT_MAX / 2 ** 26 + 1e-12,
      );
    }
  });

  it('interleaves longitude and latitude, from the highest bits down', () => {
    const half = 2 ** 51;
    expect(run.geohashEncode(-180, -LAT_MAX)).toBe(0);
    expect(run.geohashEncode(0, -LAT_MAX)).toBe(half);
    expect(run.geohashEncode(-180, 0)).toBe(half / 2);
    expect(run.geohashEncode(0, 0)).toBe(half + half / 2);
    expect(run.geohashEncode(90, 0)).toBe(half + half / 2 + half / 4);
    expect(run.geohashEncode(13.361389, 38.115556)).toBe(3479099956230698);
  });

  it('writes the text form of the place', () => {
    run.geohashText(run.geohashEncode(13.361389, 38.115556), module.base);
    expect(module.text(module.base, TEXT_CHARS)).toBe('sqc8b49rny0');
  });

  it(`measures along great circles (${seed})`, () => {
    expect(run.geoDistance(10, 20, 10, 20)).toBe(0);
    const quarter = (6372797.560856 * Math.PI) / 2;
    expect(run.geoDistance(0, 0, 90, 0)).toBeCloseTo(quarter, 6);
    expect(run.geoDistance(-45, 0, 135, 0)).toBeCloseTo(2 * quarter, 0);
    for (let round = 0; round < 2000; round++) {
      const [a, b] = [somewhere(), somewhere()];
      const found = run.geoDistance(a.longitude, a.latitude, b.longitude, b.latitude);
      const radians = (degrees: number) => (degrees * Math.PI) / 180;
      const [x, y] = [radians(b.longitude - a.longitude), radians(b.latitude - a.latitude)];
      const part =
        Math.sin(y / 2) ** 2 +
        Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(x / 2) ** 2;
      const expected = 2 * 6372797.560856 * Math.asin(Math.min(1, Math.sqrt(part)));
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-9 * expected + 1e-6);
      expect(run.geoDistance(b.longitude, b.latitude, a.longitude, a.latitude)).toBe(found);
    }
  });

  it(`finds in the ranges of a search all that is inside (${seed})`, () => {
    for (let round = 0; round < 600; round++) {
      const shape = randomShape(0);
      // Around the poles the boxes of Redis do not cover everything.
      if (Math.abs(shape.latitude) > 65) continue;
      const at = placeShape(shape);
      const count = run.geoSearchRanges(at);
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(9);
      const ranges = Array.from({ length: count }, (_, i) => [
        run.geoRangeMin(i),
        run.geoRangeMax(i),
      ]);
      for (let i = 0; i < 20; i++) {
        const reach = Math.max(shape.radius, shape.width, shape.height) * shape.unit * 1.5e-5;
        const longitude = shape.longitude + uniform(-reach, reach);
        const latitude = shape.latitude + uniform(-reach, reach);
        if (Math.abs(longitude) > 180 || Math.abs(latitude) > LAT_MAX) continue;
        const score = run.geohashEncode(longitude, latitude);
        if (run.geoWithin(at, score) === 0) continue;
        const inside = ranges.some(([low, high]) => low! <= score && score < high!);
        expect(inside, JSON.stringify({ shape, longitude, latitude })).toBe(true);
      }
    }
  });
});

/** Areas from centimetres on; `hugeShare` of them larger than a continent. */
function randomShape(hugeShare: number): Shape {
  const { longitude, latitude } = somewhere();
  const largest = random.chance(hugeShare) ? 8 : 6;
  const size = () => 10 ** uniform(-1, largest);
  const unit = random.pick(Object.values(UNITS));
  const [radius, width, height] = [size() / unit, size() / unit, size() / unit];
  return { longitude, latitude, radius, width, height, unit, isBox: random.chance(0.5) };
}

describe.skipIf(!realRedisAvailable())('geohash beside redis-server', () => {
  async function withServer(body: (client: RespClient) => Promise<void>): Promise<void> {
    const server = await startServer({ kind: 'redis' });
    const client = await RespClient.connect({ port: server.port });
    await body(client);
    await client.close();
    await server.stop();
  }

  function text(reply: Reply | undefined): string {
    if (reply?.kind === 'bulk') return reply.bytes.toString();
    throw new Error(`no text: ${JSON.stringify(reply)}`);
  }

  function items(reply: Reply | undefined): Reply[] {
    if (reply?.kind === 'array') return reply.items;
    throw new Error(`no array: ${JSON.stringify(reply)}`);
  }

  /** Coordinates come with 17 decimals, so they are as exact as they are small. */
  function expectPlace(reply: Reply | undefined, place: Place): void {
    const [longitude, latitude] = items(reply).map((part) => Number(text(part)));
    expect(Math.abs(longitude! - place.longitude)).toBeLessThanOrEqual(1e-17);
    expect(Math.abs(latitude! - place.latitude)).toBeLessThanOrEqual(1e-17);
  }

  function expectDistance(printed: string, metres: number, unit: number): void {
    const value = metres / unit;
    if (printed === fourDecimals(value)) return;
    const doubt = Math.abs(((value * 10_000) % 1) - 0.5);
    expect(doubt, `${printed} is not ${value}`).toBeLessThan(ROUNDING_DOUBT * 10_000);
  }

  it(`gives the same scores, positions, texts and distances (${seed})`, async () => {
    await withServer(async (client) => {
      const places = Array.from({ length: 3000 }, somewhere);
      await client.pipelineRaw(
        places.map((place, i) => ['GEOADD', 'geo', place.longitude, place.latitude, `p${i}`]),
      );
      for (let i = 0; i < places.length; i++) {
        const { longitude, latitude } = places[i]!;
        const score = run.geohashEncode(longitude, latitude);
        expect(Number(text(await client.call('ZSCORE', 'geo', `p${i}`)))).toBe(score);
        const place = decode(score);
        expectPlace(items(await client.call('GEOPOS', 'geo', `p${i}`))[0], place);
        run.geohashText(score, module.base);
        const hash = text(items(await client.call('GEOHASH', 'geo', `p${i}`))[0]);
        expect(hash).toBe(module.text(module.base, TEXT_CHARS));

        const j = random.below(places.length);
        const other = decode(run.geohashEncode(places[j]!.longitude, places[j]!.latitude));
        const metres = run.geoDistance(
          place.longitude,
          place.latitude,
          other.longitude,
          other.latitude,
        );
        const unit = random.pick(Object.keys(UNITS));
        const printed = text(await client.call('GEODIST', 'geo', `p${i}`, `p${j}`, unit));
        expectDistance(printed, metres, UNITS[unit]!);
      }
    });
  });

  it('decodes scores that no place has', async () => {
    await withServer(async (client) => {
      const scores = ['-1', '-0.5', '0.7', '1e15', '4503599627370496', '9007199254740993', '1e18'];
      scores.push('9.3e18', '1.8e19', '1.9e19', '1e300', '-1e18', '-1e19', 'inf', '-inf');
      for (const score of scores) {
        await client.call('ZADD', 'geo', score, 'odd');
        const value = Number(score.replace('inf', 'Infinity'));
        expectPlace(items(await client.call('GEOPOS', 'geo', 'odd'))[0], decode(value));
        run.geohashText(value, module.base);
        const hash = text(items(await client.call('GEOHASH', 'geo', 'odd'))[0]);
        expect(hash, score).toBe(module.text(module.base, TEXT_CHARS));
      }
    });
  });

  it(`finds the same places in the same order (${seed})`, async () => {
    await withServer(async (client) => {
      const members = new Map<string, number>();
      for (let i = 0; i < 1500; i++) {
        const { longitude, latitude } = somewhere();
        await client.call('GEOADD', 'geo', longitude, latitude, `p${i}`);
        members.set(`p${i}`, run.geohashEncode(longitude, latitude));
      }
      const sorted = [...members].sort(
        ([name1, score1], [name2, score2]) => score1 - score2 || (name1 < name2 ? -1 : 1),
      );
      let found = 0;
      for (let round = 0; round < 800; round++) {
        const shape = randomShape(0.15);
        const at = placeShape(shape);
        const expected: { name: string; metres: number; place: Place }[] = [];
        const count = run.geoSearchRanges(at);
        const ranges = Array.from({ length: count }, (_, i) => [
          run.geoRangeMin(i),
          run.geoRangeMax(i),
        ]);
        for (const [low, high] of ranges) {
          for (const [name, score] of sorted) {
            if (score < low! || score >= high! || run.geoWithin(at, score) === 0) continue;
            const place = { longitude: run.geoLongitude.value, latitude: run.geoLatitude.value };
            expected.push({ name, metres: run.geoCenterDistance(at), place: decode(score) });
            expect(place).toEqual(decode(score));
          }
        }
        const unit = Object.keys(UNITS).find((name) => UNITS[name] === shape.unit)!;
        const area = shape.isBox
          ? ['BYBOX', shape.width, shape.height, unit]
          : ['BYRADIUS', shape.radius, unit];
        const from = ['FROMLONLAT', shape.longitude, shape.latitude];
        const options = ['WITHDIST', 'WITHCOORD'];
        const reply = items(await client.call('GEOSEARCH', 'geo', ...from, ...area, ...options));
        const story = `${seed}: ${JSON.stringify(shape)}`;
        expect(
          reply.map((item) => text(items(item)[0])),
          story,
        ).toEqual(expected.map(({ name }) => name));
        reply.forEach((item, i) => {
          const [, distance, place] = items(item);
          expectDistance(text(distance), expected[i]!.metres, shape.unit);
          expectPlace(place, expected[i]!.place);
        });
        found += expected.length;
      }
      expect(found).toBeGreaterThan(2000);
    });
  });
});
