import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { FilterText, filterToText } from '../../src/model/filter-text';
import { filtersToUrl } from '../../src/model/filter-url';
import { PortNames } from '../../src/model/reference';
import { contextOf } from '../../src/hooks/use-suggestions';
import { config } from './config';
import { anyValue, COMPARES } from './values';

const ids = new Set(config.filters.map(filter => filter.id));
const text = new FilterText(id => ids.has(id), new PortNames(config.portNaming));

describe('what people type becomes filters', () => {
  test.each([
    ['10.0.0.0/8', 'address=10.0.0.0/8'],
    ['10.0.0.1-10.0.0.9', 'address=10.0.0.1-10.0.0.9'],
    ['fe80::1', 'address=fe80::1'],
    ['10.0.0.1:443', 'address=10.0.0.1;port=443'],
    ['port 443', 'port=443'],
    ['443', 'port=443'],
    ['https', 'port=443'],
    ['port postgres', 'port=5432'],
    ['port 80,443', 'port=80,443'],
    ['port 80 or port 443', 'port=80,443'],
    ['port 80 or 443', 'port=80,443'],
    ['ns:default', 'namespace=default'],
    ['src ns:shop and dst port 5432', 'src_namespace=shop;dst_port=5432'],
    ['from 10.0.0.1 to 10.0.0.2', 'src_address=10.0.0.1;dst_address=10.0.0.2'],
    ['tcp', 'protocol=6'],
    ['not udp', 'protocol!=17'],
    ['not port!=443', 'port=443'],
    ['not interface!~eth', 'interfaces~eth'],
    ['10.0.0.1,10.0.0.2', 'address=10.0.0.1,10.0.0.2'],
    ['src 10.0.0.1,10.0.0.0/8', 'src_address=10.0.0.1,10.0.0.0/8'],
    ['80,443', 'port=80,443'],
    ['SYN', 'tcp_flags=SYN'],
    ['interface eth0', 'interfaces=eth0'],
    ['rtt >= 10ms', 'time_flow_rtt>=10000000'],
    ['rtt>=2s', 'time_flow_rtt>=2000000000'],
    ['example.org', 'dns_name=example.org'],
    ['dst_port!=22', 'dst_port!=22'],
    ['interface~"br-lan"', 'interfaces~"br-lan"'],
    ['interface a;b', 'interfaces=a%3Bb'],
    ['dns "a=b, c"', 'dns_name="a%3Db%2C c"'],
    ['dns _dmarc.example.org', 'dns_name=_dmarc.example.org'],
    [String.raw`subnet a\ \"b\",c`, 'subnet_label=a "b",c'],
    ['tcp flags SYN', 'tcp_flags=SYN'],
    ['dns name example.org and tcp', 'dns_name=example.org;protocol=6'],
    ['src subnet label lan', 'src_subnet_label=lan'],
    ['flow rtt>=10ms', 'time_flow_rtt>=10000000'],
    ['10.77.0.23 → 10.77.1.20', 'src_address=10.77.0.23;dst_address=10.77.1.20'],
    ['10.77.0.23->10.77.1.20 and tcp', 'src_address=10.77.0.23;dst_address=10.77.1.20;protocol=6'],
    ['fe80::1→fe80::2', 'src_address=fe80::1;dst_address=fe80::2'],
    ['10.0.0.1:443 -> 10.0.0.2', 'src_address=10.0.0.1;src_port=443;dst_address=10.0.0.2'],
    ['src subnet lan → subnet dmz', 'src_subnet_label=lan;dst_subnet_label=dmz'],
    ['dns a->b', 'dns_name=a->b'],
    ['subnet "Demo shop"', 'subnet_label="Demo shop"'],
    ['', '']
  ])('%s', (input, url) => {
    const { filters, errors } = text.understand(input);
    expect(errors).toEqual([]);
    expect(filtersToUrl(filters)).toBe(url);
  });
});

describe('what is not understood is named with its place and its reason', () => {
  test.each([
    ['hello', 'hello', 'as in “interface {{word}}”'],
    ['rtt > 10ms', 'rtt > 10ms', 'no such comparison'],
    ['rtt>10', 'rtt>10', 'no such comparison'],
    ['dns name == example.org', 'dns name == example.org', 'no such comparison'],
    ['speed > 100', 'speed > 100', 'no such field'],
    ['bytes >=', 'bytes >=', 'no such field'],
    ['port >=', 'port >=', 'A value is missing'],
    ['speed = 100', 'speed = 100', 'no such field'],
    ['speed=100', 'speed=100', 'no such field'],
    ['dst port 99999', 'dst port 99999', 'such as 443 or https'],
    ['tcp not dst port 99999', 'not dst port 99999', 'such as 443 or https'],
    ['10.77', '10.77', 'An address such as 10.0.0.1'],
    ['ip 10.0.0.300', 'ip 10.0.0.300', 'An address such as'],
    ['not rtt>=10ms', 'not rtt>=10ms', 'no filter for “less than”'],
    ['port 443 src', 'src', 'A filter is missing'],
    ['port 443 and not', 'not', 'A filter is missing'],
    ['port 443 or', 'or', 'A filter is missing'],
    ['port 443 not src', 'not src', 'A filter is missing'],
    ['not port 80 or 90', 'or 90', '“or” joins values of one field'],
    ['Demo shop', 'Demo shop', 'or “subnet {{word}}”'],
    ['tcp demo shop', 'demo shop', 'or “subnet {{word}}”'],
    ['subnet demo shop', 'subnet demo shop', 'stands in quotes'],
    ['subnet lan → subnet dmz', '→', 'An arrow stands between two ends'],
    ['10.0.0.1 → tcp', '→ tcp', 'An arrow stands between two ends'],
    ['tcp → 10.0.0.1', '→', 'An arrow stands between two ends'],
    ['not 10.0.0.1 → 10.0.0.2', '→', 'An arrow stands between two ends'],
    ['→ 10.0.0.1', '→', 'An arrow stands between two ends'],
    ['10.0.0.1 →', '→', 'A filter is missing'],
    ['port nonsense', 'port nonsense', 'Not a port number'],
    ['port', 'port', 'A value is missing'],
    ['rtt fast', 'rtt fast', 'A duration'],
    ['ns a;b', 'ns a;b', 'Letters, digits'],
    ['port 80 or tcp', 'or tcp', '“or” joins values of one field']
  ])('%s', (input, wrong, reason) => {
    const { errors } = text.understand(input);
    expect(errors).toHaveLength(1);
    expect(input.slice(errors[0]!.start, errors[0]!.end)).toBe(wrong);
    expect(errors[0]!.text).toBe(wrong);
    expect(errors[0]!.reason).toContain(reason);
  });

  it('and nothing beside it becomes a filter', () => {
    const { filters, errors } = text.understand('port 443 hello');
    expect(filters).toEqual([]);
    expect(errors.map(error => error.text)).toEqual(['hello']);
  });

  test.each([
    ['Demo shop', '"Demo shop"'],
    ['hello', 'hello'],
    ['subnet demo shop', 'subnet "demo shop"']
  ])('%s: the hint is what can be typed', (input, word) =>
    expect(text.understand(input).errors.map(error => error.word)).toEqual([word])
  );
});

it('understands the text of any filter as that filter', () => {
  fc.assert(
    fc.property(fc.array(anyValue, { minLength: 1, maxLength: 4 }), fc.constantFrom(...COMPARES), (values, compare) => {
      const filter = { id: 'dst_subnet_label', compare, values: [...new Set(values)] };
      expect(text.understand(filterToText(filter))).toEqual({ filters: [filter], errors: [] });
    })
  );
});

describe('completion knows what is being typed', () => {
  test.each([
    ['', undefined, '', ''],
    ['po', undefined, 'po', ''],
    ['port ', 'port', '', 'port '],
    ['port 4', 'port', '4', 'port '],
    ['port 80,4', 'port', '4', 'port 80,'],
    ['tcp src ip 10.', 'src_address', '10.', 'tcp src ip '],
    ['src i', undefined, 'src i', ''],
    ['interface:et', 'interfaces', 'et', 'interface:'],
    ['10.7', 'address', '10.7', ''],
    ['tcp from 10.', 'src_address', '10.', 'tcp from '],
    ['fd77::', 'address', 'fd77::', '']
  ])('%s', (input, id, partial, before) => {
    expect(contextOf(input, (word, side) => text.idOf(word, side))).toEqual({ id, partial, before });
  });
});
