// Places in sorted sets: GEOADD, GEODIST, GEOHASH, GEOPOS, GEOSEARCH, GEORADIUS and their relatives.

import { family } from '../support/family.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const SYNTAX = '-ERR syntax error';
const NOT_FLOAT = '-ERR value is not a valid float';
const BAD_UNIT = '-ERR unsupported unit provided. please use M, KM, FT, MI';
const NO_MEMBER = '-ERR could not decode requested zset member';
const SICILY = 'GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 13.5 38 1';

family('places', [
  [
    'GEOADD adds members whose scores are geohashes, and tells how many are new',
    `
      ${SICILY} => 3
      GEOADD s 13.5 38 1 15 37 new => 1
      GEOADD s CH 13.6 38 1 => 1
      GEOADD s XX CH 1 2 none 13.5 38 1 => 1
      GEOADD s NX CH 1 2 Palermo 1 2 more => 1
      ZCARD s => 5
      ZSCORE s Palermo => double(3479099956230698)
      TYPE s => +zset
      OBJECT ENCODING s => "listpack"
    `,
  ],
  [
    'GEOADD adds nothing when one of its arguments is bad',
    `
      GEOADD s 1 1 a 200 100 b => -ERR invalid longitude,latitude pair 200.000000,100.000000
      GEOADD s 1 -85.0512 a => -ERR invalid longitude,latitude pair 1.000000,-85.051200
      GEOADD s 180.0000005 0 a => -ERR invalid longitude,latitude pair 180.000000,0.000000
      GEOADD s 199.9999996 -99.99999951 a
      => -ERR invalid longitude,latitude pair 200.000000,-100.000000
      GEOADD s 1e25 -inf a
      => -ERR invalid longitude,latitude pair 10000000000000000905969664.000000,-inf
      GEOADD s x 1 a => ${NOT_FLOAT}
      GEOADD s 1 nan a => ${NOT_FLOAT}
      GEOADD s 1 1 a 1 x => ${SYNTAX}
      GEOADD s NX XX 1 1 a => ${SYNTAX}
      GEOADD s CH CH CH => ${SYNTAX}
      GEOADD s NX XX x y z => ${SYNTAX}
      GEOADD s 1 1 => -ERR wrong number of arguments for 'geoadd' command
      EXISTS s => 0
      GEOADD s XX 1 1 a => 0
      EXISTS s => 0
      SET k v
      GEOADD k 1 1 a => ${WRONGTYPE}
      GEOADD k 200 1 a => -ERR invalid longitude,latitude pair 200.000000,1.000000
    `,
  ],
  [
    'GEODIST measures in four units',
    `
      ${SICILY}
      GEODIST s Palermo Catania => "166274.1516"
      GEODIST s Palermo Catania km => "166.2742"
      GEODIST s Palermo Catania MI => "103.3182"
      GEODIST s Catania Palermo ft => "545518.8700"
      GEODIST s Palermo Palermo => "0.0000"
      GEODIST s Palermo none => nil
      GEODIST s none Palermo => nil
      GEODIST none a b => nil
      GEODIST s Palermo Catania ly => ${BAD_UNIT}
      GEODIST none a b ly => ${BAD_UNIT}
      GEODIST s a b km km => ${SYNTAX}
      SET k v
      GEODIST k a b => ${WRONGTYPE}
    `,
  ],
  [
    'GEOHASH gives the usual text of eleven characters',
    `
      ${SICILY}
      GEOHASH s Palermo none Catania => ["sqc8b49rny0", nil, "sqdtr74hyu0"]
      GEOHASH s => []
      GEOHASH none a => [nil]
      SET k v
      GEOHASH k a => ${WRONGTYPE}
      GEOHASH k => ${WRONGTYPE}
    `,
  ],
  [
    'GEOPOS gives positions as bulk strings',
    `
      ${SICILY}
      GEOPOS s Palermo none
      => [["13.36138933897018433", "38.11555639549629859"], nil-array]
      GEOPOS s => []
      GEOPOS none a => [nil-array]
      ZADD z 0 zero
      GEOPOS z zero => [["-179.99999731779098511", "-85.05112751263942528"]]
    `,
    { resp: 2 },
  ],
  [
    'GEOSEARCH finds what is in a circle',
    `
      ${SICILY}
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km ASC => ["Catania", "1", "Palermo"]
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km DESC => ["Palermo", "1", "Catania"]
      GEOSEARCH s BYRADIUS 60 km FROMMEMBER Palermo ASC WITHDIST
      => [["Palermo", "0.0000"], ["1", "17.6793"]]
      GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 m WITHHASH => [["Palermo", 3479099956230698]]
      GEOSEARCH s FROMLONLAT 100 10 BYRADIUS 1 km => []
      GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 200 km => []
    `,
  ],
  [
    'GEOSEARCH finds what is in a rectangle, whose sides are as long everywhere',
    `
      ${SICILY}
      GEOADD s 12.758489 38.788135 edge1 17.241510 38.788135 edge2
      GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km ASC
      => ["Catania", "1", "Palermo", "edge2", "edge1"]
      GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 300 km ASC => ["Catania", "1", "Palermo"]
      GEOSEARCH s FROMLONLAT 15 37 BYBOX 100 300 km => ["Catania"]
    `,
  ],
  [
    'COUNT gives the nearest ones, with ANY the first ones met',
    `
      ${SICILY}
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT 2 => ["Catania", "1"]
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT 2 DESC => ["Palermo", "1"]
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT 10 => ["Catania", "1", "Palermo"]
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT 2 ANY => ["1", "Palermo"]
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT 2 ANY DESC => ["Palermo", "1"]
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT 0 => -ERR COUNT must be > 0
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT x
      => -ERR value is not an integer or out of range
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km ANY
      => -ERR the ANY argument requires COUNT argument
      GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT => ${SYNTAX}
    `,
  ],
  [
    'GEOSEARCH refuses areas that are none',
    `
      ${SICILY}
      GEOSEARCH s FROMMEMBER none BYRADIUS 1 km => ${NO_MEMBER}
      GEOSEARCH s FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 km => ${SYNTAX}
      GEOSEARCH s FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 km => ${SYNTAX}
      GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 km BYBOX 1 1 km => ${SYNTAX}
      GEOSEARCH s FROMMEMBER Palermo BYRADIUS -1 km => -ERR radius cannot be negative
      GEOSEARCH s FROMMEMBER Palermo BYRADIUS x km => -ERR need numeric radius
      GEOSEARCH s FROMMEMBER Palermo BYBOX x 1 km => -ERR need numeric width
      GEOSEARCH s FROMMEMBER Palermo BYBOX 1 x km => -ERR need numeric height
      GEOSEARCH s FROMMEMBER Palermo BYBOX 1 -1 km => -ERR height or width cannot be negative
      GEOSEARCH s FROMMEMBER Palermo BYBOX 1 1 ly => ${BAD_UNIT}
      GEOSEARCH s FROMLONLAT 181 1 BYRADIUS 1 km
      => -ERR invalid longitude,latitude pair 181.000000,1.000000
      GEOSEARCH s FROMMEMBER Palermo ASC ASC ASC
      => -ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
      geosearch s BYRADIUS 1 km ASC ASC
      => -ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch
      GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 km STORE d => ${SYNTAX}
      GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 km STOREDIST => ${SYNTAX}
      GEOSEARCH none FROMMEMBER Palermo BYRADIUS x km => -ERR need numeric radius
      SET k v
      GEOSEARCH k x x x x x => ${WRONGTYPE}
    `,
  ],
  [
    'GEOSEARCHSTORE stores geohashes or distances in place of what was there',
    `
      ${SICILY}
      SET d v EX 100
      GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 120 km => 1
      ZRANGE d 0 -1 => ["Catania"]
      ZSCORE d Catania => double(3479447370796909)
      TTL d => -1
      GEOSEARCHSTORE d s FROMMEMBER Palermo BYRADIUS 60 km STOREDIST => 2
      ZSCORE d Palermo => double(0)
      GEOSEARCHSTORE s s FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 DESC => 2
      ZRANGE s 0 -1 => ["1", "Palermo"]
      GEOSEARCHSTORE d s FROMLONLAT 100 1 BYRADIUS 1 km => 0
      EXISTS d => 0
      SET d v
      GEOSEARCHSTORE d none FROMLONLAT 100 1 BYRADIUS 1 km => 0
      EXISTS d => 0
      SET d v
      GEOSEARCHSTORE d d FROMLONLAT 100 1 BYRADIUS 1 km => ${WRONGTYPE}
      GEOSEARCHSTORE d s FROMLONLAT 100 1 BYRADIUS 1 km WITHDIST
      => -ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
    `,
  ],
  [
    'GEORADIUS and GEORADIUSBYMEMBER search circles, and may store what they find',
    `
      ${SICILY}
      GEORADIUS s 15 37 200 km ASC => ["Catania", "1", "Palermo"]
      GEORADIUS_RO s 15 37 200 km WITHDIST COUNT 1 => [["Catania", "56.4413"]]
      GEORADIUSBYMEMBER s Palermo 60 km ASC => ["Palermo", "1"]
      GEORADIUSBYMEMBER_RO s Palermo 60 km DESC => ["1", "Palermo"]
      GEORADIUS s 15 37 200 km STORE d => 3
      GEORADIUS s 15 37 200 km COUNT 1 STORE e STOREDIST f => 1
      EXISTS d e f => 2
      ZRANGE f 0 -1 => ["Catania"]
      GEORADIUSBYMEMBER s Palermo 60 km STORE s => 2
      GEORADIUSBYMEMBER none Palermo x y STORE s => 0
      EXISTS s => 0
      GEORADIUSBYMEMBER none Palermo x y => []
      GEORADIUS d 15 37 1 m STORE d => 0
      EXISTS d => 0
      ${SICILY}
      GEORADIUS s 15 37 200 km STORE => ${SYNTAX}
      GEORADIUS_RO s 15 37 200 km STORE d => ${SYNTAX}
      GEORADIUSBYMEMBER_RO s Palermo 200 km STOREDIST d => ${SYNTAX}
      GEORADIUS s 15 37 200 km WITHHASH STORE d
      => -ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD
      => options
      GEORADIUS s 15 37 x km => -ERR need numeric radius
      GEORADIUS s 15 37 1 x => ${BAD_UNIT}
      GEORADIUS s 15 99 1 km => -ERR invalid longitude,latitude pair 15.000000,99.000000
      GEORADIUSBYMEMBER s none 1 km => ${NO_MEMBER}
      GEORADIUS s 15 37 200 km FROMMEMBER Palermo => ${SYNTAX}
    `,
  ],
  [
    'large sets answer as small ones do',
    async ({ client, run }) => {
      for (let i = 0; i < 300; i++) {
        await client.call('GEOADD', 's', `${10 + i / 1000}`, `${40 + (i % 20) / 1000}`, `m${i}`);
      }
      await run(`
        OBJECT ENCODING s => "skiplist"
        GEOSEARCH s FROMLONLAT 10.1 40.005 BYRADIUS 1 km ASC COUNT 3 => ["m103", "m104", "m102"]
        GEOSEARCHSTORE d s FROMLONLAT 10.1 40.005 BYRADIUS 100 km => 300
        OBJECT ENCODING d => "skiplist"
        GEOSEARCHSTORE d s FROMLONLAT 10.1 40.005 BYRADIUS 1 km => <10..60>
        OBJECT ENCODING d => "listpack"
      `);
    },
  ],
  [
    'positions are doubles in RESP3, distances are not',
    `
      ${SICILY}
      GEOPOS s Palermo none
      => [[double(13.36138933897018433), double(38.11555639549629859)], nil]
      GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 km WITHCOORD WITHDIST
      => [["Palermo", "0.0000", [double(13.36138933897018433), double(38.11555639549629859)]]]
      GEODIST s Palermo Catania => "166274.1516"
    `,
    { resp: 3 },
  ],
]);
