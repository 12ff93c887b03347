/* Addresses, ports as people write them, questions for names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "common/address.h"
#include "common/cleanup.h"
#include "common/network_spec.h"
#include "daemon/network/dns.h"

static struct subnet subnet_of(const char *text)
{
	struct subnet subnet;
	struct error err;

	assert_int_equal(subnet_parse(text, &subnet, &err), 0);
	return subnet;
}

static void subnets_overlap_whichever_is_larger(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "10.0.0.0/8", "10.200.3.0/24", true },
		{ "10.0.0.0/9", "10.128.0.0/9", false },
		{ "192.168.0.0/25", "192.168.0.128/25", false },
		{ "fd00::/8", "fd12:3::/64", true },
		{ "10.0.0.0/8", "fd00::/8", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct subnet a = subnet_of(cases[i].a), b = subnet_of(cases[i].b);

		assert_int_equal(subnet_overlaps(&a, &b), cases[i].overlap);
		assert_int_equal(subnet_overlaps(&b, &a), cases[i].overlap);
	}
}

static void addresses_of_a_subnet_are_numbered(void **state)
{
	struct subnet four = subnet_of("10.1.4.7/22"), six = subnet_of("fd00:1::/64");
	struct address address = subnet_at(&four, 300);
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_string_equal(address_format(&address, text), "10.1.5.44");
	assert_int_equal(subnet_index(&four, &address), 300);
	assert_int_equal(subnet_size(&four), 1024);
	address = subnet_at(&six, 0x1234);
	assert_string_equal(address_format(&address, text), "fd00:1::1234");
	assert_int_equal(subnet_index(&six, &address), 0x1234);
	assert_string_equal(subnet_format(&four, text), "10.1.4.0/22");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = { "10.0.0.0", "10.0.0.0/0", "10.0.0.0/33", "/8",
					   "x/8",      "fd00::/129", "10.0.0/8",    "10.0.0.0/8x" };
	static const char *const bad_macs[] = { "01:00:00:00:00:00", "00:00:00:00:00:00",
						"02:0:0:0:0:1", "02:00:00:00:00:0g",
						"02:00:00:00:00:00:00" };
	struct subnet subnet;
	uint8_t mac[MAC_SIZE];
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(subnet_parse(bad[i], &subnet, &err), -1);
	for (size_t i = 0; i < ARRAY_SIZE(bad_macs); i++)
		assert_int_equal(mac_parse(bad_macs[i], mac, &err), -1);
	assert_int_equal(mac_parse("02:aB:00:00:00:01", mac, &err), 0);
	assert_int_equal(mac[1], 0xab);
}

static void ports_are_read_as_docker_writes_them(void **state)
{
	static const struct {
		const char *text;
		int family;
		uint16_t host, container, count;
		enum port_protocol protocol;
	} cases[] = {
		{ "80", 0, 0, 80, 1, PORT_TCP },
		{ "8080:80/udp", 0, 8080, 80, 1, PORT_UDP },
		{ "127.0.0.1:8080-8082:80-82", AF_INET, 8080, 80, 3, PORT_TCP },
		{ "127.0.0.1::80/sctp", AF_INET, 0, 80, 1, PORT_SCTP },
		{ "[::1]:8080:80", AF_INET6, 8080, 80, 1, PORT_TCP },
	};
	static const char *const bad[] = { "",	      "0",	 "65536",      "80/icmp",
					   "1:2:3:4", "1-3:1-2", "[::1:80:80", "80:80:80",
					   "2-1",     "a:80" };
	struct port_range range;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(port_parse(cases[i].text, &range, &err), 0);
		assert_int_equal(range.address.family, cases[i].family);
		assert_int_equal(range.host, cases[i].host);
		assert_int_equal(range.container, cases[i].container);
		assert_int_equal(range.count, cases[i].count);
		assert_int_equal(range.protocol, cases[i].protocol);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(port_parse(bad[i], &range, &err), -1);
}

static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
			       "\x03Web\x02in\x00\x00\x01\x00\x01";

static void a_question_is_read_and_answered(void **state)
{
	const struct address address = { .family = AF_INET, .bytes = { 10, 1, 2, 3 } };
	const struct dns_answer answer = { .addresses = &address, .n_addresses = 1 };
	uint8_t reply[DNS_MESSAGE_MAX];
	struct dns_question question;
	size_t size;

	(void)state;
	assert_int_equal(dns_read(query, sizeof(query) - 1, &question), 0);
	assert_string_equal(question.name, "web.in");
	assert_int_equal(question.type, DNS_A);
	size = dns_write(query, &question, &answer, reply);
	assert_int_equal(size, sizeof(query) - 1 + 16);
	assert_memory_equal(reply, query, 2);
	assert_true(reply[2] & 0x80);
	assert_int_equal(reply[7], 1);
	assert_memory_equal(reply + size - 4, address.bytes, 4);
}

static void no_part_of_a_question_is_read_beyond_its_end(void **state)
{
	struct dns_question question;

	(void)state;
	for (size_t n = 0; n < sizeof(query) - 1; n++) {
		uint8_t *cut = test_malloc(n ? n : 1);

		(void)memcpy(cut, query, n);
		assert_int_equal(dns_read(cut, n, &question), -1);
		test_free(cut);
	}
}

static void reverse_names_are_addresses(void **state)
{
	char text[ADDRESS_TEXT_SIZE];
	struct address address;

	(void)state;
	assert_int_equal(dns_reverse("4.3.2.10.in-addr.arpa", &address), 0);
	assert_string_equal(address_format(&address, text), "10.2.3.4");
	assert_int_equal(
		dns_reverse("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f."
			    "ip6.arpa",
			    &address),
		0);
	assert_string_equal(address_format(&address, text), "fd00::2");
	assert_int_equal(dns_reverse("256.3.2.10.in-addr.arpa", &address), -1);
	assert_int_equal(dns_reverse("3.2.10.in-addr.arpa", &address), -1);
	assert_int_equal(dns_reverse("x.ip6.arpa", &address), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subnets_overlap_whichever_is_larger),
		cmocka_unit_test(addresses_of_a_subnet_are_numbered),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(ports_are_read_as_docker_writes_them),
		cmocka_unit_test(a_question_is_read_and_answered),
		cmocka_unit_test(no_part_of_a_question_is_read_beyond_its_end),
		cmocka_unit_test(reverse_names_are_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
