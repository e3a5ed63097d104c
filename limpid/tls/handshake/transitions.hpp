// Which handshake state may follow which. A machine's table is the only source: a state comes into being through
// go<From>(To), which does not compile unless the table has that edge, and the diagram in ARCHITECTURE.md is printed
// from the same table.
#pragma once

#include <string_view>
#include <tuple>
#include <utility>

namespace limpid::tls::handshake {

// An edge and what is to happen for it to be taken. Every state has `static constexpr std::string_view name`.
template <class From, class To>
struct Edge {
  std::string_view on;
};

template <class From, class To, class Table>
inline constexpr bool has_edge = false;
template <class From, class To, class... Edges>
inline constexpr bool has_edge<From, To, std::tuple<Edges...>> = (std::is_same_v<Edge<From, To>, Edges> || ...);

// Calls visit(from name, to name, on) for every edge, in the table's order.
template <class... Edges>
constexpr void for_each_edge(const std::tuple<Edges...>& table, auto&& visit) {
  const auto one = [&]<class From, class To>(const Edge<From, To>& edge) { visit(From::name, To::name, edge.on); };
  std::apply([&](const auto&... edge) { (one(edge), ...); }, table);
}

// The table as a Mermaid state diagram, for anything with `text(std::string_view)`, a Writer say.
template <class Table>
constexpr void print_mermaid(const Table& table, auto& out) {
  out.text("stateDiagram-v2\n");
  for_each_edge(table, [&](std::string_view from, std::string_view to, std::string_view on) {
    out.text("  ");
    out.text(from);
    out.text(" --> ");
    out.text(to);
    out.text(": ");
    out.text(on);
    out.text("\n");
  });
}

}  // namespace limpid::tls::handshake
