// A list through its elements: one of them can be put in or taken out in no time, from wherever it stands.
#pragma once

namespace limpid::effects {

// What an element derives from. It must stay where it is while it is in a ring, and leaves it when it goes.
struct RingLink {
  RingLink* before = this;
  RingLink* behind = this;

  RingLink() = default;
  RingLink(const RingLink&) = delete;
  RingLink& operator=(const RingLink&) = delete;
  ~RingLink() { leave(); }

  void leave() {
    before->behind = behind;
    behind->before = before;
    before = behind = this;
  }
};

template <class Element>
class Ring {
 public:
  // `element` leaves the ring in which it was.
  void push_back(Element& element) {
    RingLink& link = element;
    link.leave();
    link.before = ends_.before;
    link.behind = &ends_;
    ends_.before->behind = &link;
    ends_.before = &link;
  }
  // The first that is not `passed_over`; null if there is none.
  Element* front(const Element* passed_over) {
    RingLink* link = ends_.behind;
    if (link == passed_over) link = link->behind;
    return link == &ends_ ? nullptr : static_cast<Element*>(link);
  }

 private:
  RingLink ends_;
};

}  // namespace limpid::effects
